import { describe, expect, it } from '@jest/globals';
import {
  CodecError,
  type ErrorCode,
  KeyError,
  OptionError,
  RepriseError,
  StoreError,
  TimeoutError,
} from '@reprise/store';

/** Each class with what it is and the code it has. */
const all: readonly (readonly [
  make: () => Error & { code: ErrorCode },
  name: string,
  code: ErrorCode,
  type: ErrorConstructor,
])[] = [
  [() => new RepriseError('E_SIZE', 'what', { cause: 1 }), 'RepriseError', 'E_SIZE', Error],
  [() => new OptionError('what', { cause: 1 }), 'OptionError', 'E_OPTION', TypeError],
  [() => new OptionError('what', { cause: 1, code: 'E_NAME_TAKEN' }), 'OptionError', 'E_NAME_TAKEN', TypeError],
  [() => new KeyError('what', { cause: 1 }), 'KeyError', 'E_KEY', TypeError],
  [() => new TimeoutError('what', { cause: 1 }), 'TimeoutError', 'E_TIMEOUT', Error],
  [() => new StoreError('what', { cause: 1 }), 'StoreError', 'E_STORE', Error],
  [() => new StoreError('what', { cause: 1, code: 'E_CLOSED' }), 'StoreError', 'E_CLOSED', Error],
  [() => new CodecError('what', { cause: 1 }), 'CodecError', 'E_CODEC', Error],
];

describe.each(all)('%p', (make, name, code, type) => {
  it(`is a RepriseError and a ${type.name} named ${name}, with code ${code}, message and cause`, () => {
    const error = make();
    expect(error instanceof RepriseError).toBe(true);
    expect(error instanceof type).toBe(true);
    expect(error instanceof TypeError).toBe(type === TypeError);
    expect([error.name, error.code, error.message, error.cause]).toEqual([name, code, 'what', 1]);
    expect(String(error)).toBe(`${name}: what`);
    expect(error.stack).toContain('errors.test.ts');
  });

  it('shows its code as a field, and its name as none', () => {
    expect(Object.keys(make())).toEqual(['code']);
  });
});

describe('RepriseError', () => {
  it('has no cause that was not given', () => {
    expect('cause' in new StoreError('what')).toBe(false);
    expect('cause' in new StoreError('what', { cause: undefined })).toBe(true);
  });

  it('is not what others throw', () => {
    for (const value of [
      new Error('x'),
      new TypeError('x'),
      null,
      undefined,
      'E_KEY',
      {},
      { code: 'E_KEY' },
      () => {},
    ]) {
      expect(value instanceof RepriseError).toBe(false);
    }
  });

  it('recognises errors of another copy of this module', () => {
    const brand = Symbol.for('reprise.error');
    const foreign = Object.assign(new TypeError('x'), { code: 'E_KEY', [brand]: true });
    expect(foreign instanceof RepriseError).toBe(true);
    expect(foreign instanceof StoreError).toBe(false);
  });

  it('tells its kinds apart', () => {
    const [store, codec, option] = [new StoreError('x'), new CodecError('x'), new OptionError('x')];
    expect([store instanceof StoreError, codec instanceof StoreError, option instanceof KeyError]).toEqual([
      true,
      false,
      false,
    ]);
    expect(new RepriseError('E_STORE', 'x') instanceof StoreError).toBe(false);
  });

  it('can be extended, and the extension is told apart', () => {
    class LeaseError extends StoreError {}
    const error = new LeaseError('lost');
    expect([error instanceof LeaseError, error instanceof StoreError, error instanceof RepriseError]).toEqual([
      true,
      true,
      true,
    ]);
    expect(new StoreError('x') instanceof LeaseError).toBe(false);
  });
});
