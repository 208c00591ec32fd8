import { describe, expect, it, jest } from '@jest/globals';
import { cached } from '@reprise/core';

/** As Nest's StreamableFile. */
class Wrapped {
  getStream(): ReadableStream {
    return new Blob(['text']).stream();
  }
}

describe('a result that can be read only once', () => {
  const oneShots: [string, () => unknown][] = [
    [
      'a generator',
      () =>
        (function* count() {
          yield 1;
        })(),
    ],
    [
      'an async generator',
      () =>
        (async function* count() {
          yield 1;
        })(),
    ],
    ['an iterator of a map', () => new Map([[1, 2]]).entries()],
    ['an iterator of an array', () => [1, 2].values()],
    ['a web stream', () => new Blob(['text']).stream()],
    ['a Response', () => new Response('body')],
    ['a Request', () => new Request('https://example.org', { method: 'POST', body: 'x' })],
    ["a wrapper around a stream (Nest's StreamableFile)", () => new Wrapped()],
    ['a WritableStream', () => new WritableStream()],
    ['a TransformStream', () => new TransformStream()],
    ['a CompressionStream', () => new CompressionStream('gzip')],
    ['a TextDecoderStream', () => new TextDecoderStream()],
    ['a reader of a stream', () => new ReadableStream().getReader()],
    ['a writer of a stream', () => new WritableStream().getWriter()],
    [
      'an iterator by hand',
      () => ({
        next: () => ({ done: true, value: 1 }),
        [Symbol.iterator]() {
          return this;
        },
      }),
    ],
  ];

  it.each(oneShots)('(%s) goes to the call that ran it, is not stored, and is reported', async (_name, makeResult) => {
    const errors: unknown[] = [];
    const open = cached(async (_name: string) => makeResult());
    open.on('error', ({ error }) => errors.push(error));
    const [first, second] = [await open('a'), await open('a')];
    expect(first).not.toBe(second);
    expect([open.has('a'), open.stats().size]).toEqual([false, 0]);
    expect(errors).toEqual([
      expect.objectContaining({ code: 'E_ONE_SHOT' }),
      expect.objectContaining({ code: 'E_ONE_SHOT' }),
    ]);
  });

  it.each(oneShots)('(%s) is shared with no call that joined: it runs for itself', async (_name, makeResult) => {
    const open = cached(async (_name: string) => makeResult());
    open.on('error', () => {});
    const results = await Promise.all([open('a'), open('a'), open('a')]);
    expect(new Set(results).size).toBe(3);
    expect(open.stats()).toMatchObject({ loads: 3, coalesced: 0, misses: 3 });
  });

  it('of a synchronous function is not stored either', () => {
    const open = cached(function* count(n: number) {
      yield n;
    });
    open.on('error', () => {});
    expect([[...open(1)], [...open(1)]]).toEqual([[1], [1]]);
  });

  it('is a stream of Node, too', async () => {
    const { Readable } = await import('node:stream');
    const open = cached(async () => Readable.from(['a']));
    open.on('error', () => {});
    expect(await open()).not.toBe(await open());
  });

  it('is a process warning, once, where nobody listens', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const open = cached(async function openStream() {
      return [1].values();
    });
    await open();
    await open();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('openStream'),
      expect.objectContaining({ code: 'E_ONE_SHOT' }),
    );
    warn.mockRestore();
  });

  it.each([
    ['an array', [1]],
    ['a map', new Map()],
    ['a set', new Set()],
    ['a typed array', new Uint8Array(2)],
    ['text', 'abc'],
    ['an object with next', { next: 1 }],
    [
      'an object that can be iterated again',
      {
        *[Symbol.iterator]() {
          yield 1;
        },
      },
    ],
    ['a Headers object', new Headers()],
    ['a URLSearchParams', new URLSearchParams('a=1')],
  ])('is not %s', async (_name, value) => {
    const give = cached(async () => value);
    await give();
    expect([await give(), give.stats().hits]).toEqual([value, 1]);
  });
});
