import { describe, expect, it } from '@jest/globals';
import { OptionError } from '@reprise/store';
import { defaultMaxSize, memoryStore } from '../src/index.ts';

const sizeOf = (): number => 1;

describe('options of memoryStore', () => {
  it('are all optional, and undefined means the default', () => {
    for (const options of [
      undefined,
      {},
      {
        maxSize: undefined,
        maxBytes: undefined,
        sizeOf: undefined,
        clock: undefined,
        policy: undefined,
        namespace: undefined,
      },
    ]) {
      expect(() => memoryStore(options)).not.toThrow();
    }
    expect(defaultMaxSize).toBe(10_000);
  });

  it.each<[unknown, RegExp]>([
    [{ max: 5 }, /no option "max"; there are maxSize, maxBytes/],
    [{ ttl: 5 }, /no option "ttl"/],
    [{ maxSize: -1 }, /maxSize .* not -1/],
    [{ maxSize: 1.5 }, /maxSize .* not 1.5/],
    [{ maxSize: Number.NaN }, /maxSize .* not NaN/],
    [{ maxSize: '10' }, /maxSize .* not "10"/],
    [{ maxSize: null }, /maxSize .* not null/],
    [{ maxSize: 10n }, /maxSize .* not 10/],
    [{ maxSize: -Infinity }, /maxSize .* not -Infinity/],
    [{ maxBytes: -1, sizeOf }, /maxBytes .* not -1/],
    [{ maxBytes: Number.NaN, sizeOf }, /maxBytes .* not NaN/],
    [{ maxBytes: '10mb', sizeOf }, /maxBytes .* not "10mb"/],
    [{ maxBytes: null, sizeOf }, /maxBytes .* not null/],
    [{ maxBytes: 5 }, /maxBytes needs sizeOf/],
    [{ sizeOf: 5 }, /sizeOf .* not 5/],
    [{ sizeOf: null }, /sizeOf .* not null/],
    [{ namespace: 5 }, /namespace .* not 5/],
    [{ clock: 5 }, /clock .* not 5/],
    [{ clock: {} }, /clock .* not an object/],
    [{ clock: null }, /clock .* not null/],
    [{ policy: 'sieve' }, /policy .* not "sieve"/],
    [{ policy: () => {} }, /policy .* not a function/],
    [null, /one object of options/],
    [5, /one object of options/],
    ['lru', /one object of options/],
    [[], /not an array/],
  ])('%p is refused, naming the option', (options, message) => {
    expect(() => memoryStore(options as never)).toThrow(OptionError);
    expect(() => memoryStore(options as never)).toThrow(message);
  });

  it.each([
    { maxSize: 0 },
    { maxSize: 1 },
    { maxSize: Infinity },
    { maxSize: 2 ** 40 },
    { maxBytes: 0, sizeOf },
    { maxBytes: 0.5, sizeOf },
    { maxBytes: Infinity, sizeOf },
    { sizeOf },
    { policy: 'lru' as const },
    { namespace: '' },
    { clock: Date },
  ])('%p is accepted', (options) => {
    expect(() => memoryStore(options)).not.toThrow();
  });

  it('hold for resize too', () => {
    expect(() => memoryStore().resize({ maxSize: -1 })).toThrow(OptionError);
    expect(() => memoryStore().resize({ maxBytes: 5 })).toThrow(/maxBytes needs sizeOf/);
    expect(() => memoryStore({ sizeOf }).resize({ maxBytes: 5, maxSize: 0 })).not.toThrow();
  });

  it('infer the type of what sizeOf is given from its own annotation', () => {
    const store = memoryStore({ maxBytes: 10, sizeOf: (text: string) => text.length });
    expect(store.set('k', { value: 'abc', createdAt: 0, expiresAt: Infinity, staleUntil: Infinity })).toBe(true);
  });
});
