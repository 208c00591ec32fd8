import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import { classNameOf, identityOf } from '../../src/key/identity.ts';

class Users {}

describe('an identity', () => {
  it('is the same for the same object and never for another', () => {
    const users = new Users();
    expect(identityOf(users)).toBe(identityOf(users));
    const many = Array.from({ length: 1_000 }, () => identityOf(new Users()));
    expect(new Set([identityOf(users), ...many]).size).toBe(1_001);
  });

  it('shows the class, or what it is, beside a number', () => {
    expect(identityOf(new Users())).toMatch(/^Users#\d+$/);
    expect(identityOf(Users)).toMatch(/^function:Users#\d+$/);
    expect(identityOf(Users.prototype)).toMatch(/^Users#\d+$/);
    expect(identityOf(() => 1)).toMatch(/^function:#\d+$/);
    expect(identityOf(Symbol('a b'))).toMatch(/^symbol:a%20b#\d+$/);
    expect(identityOf(Symbol())).toMatch(/^symbol:#\d+$/);
    expect(identityOf(Symbol.iterator)).toMatch(/^symbol:Symbol%2Eiterator#\d+$/);
    expect(identityOf(new (class {})())).toMatch(/^Anonymous#\d+$/);
    expect(identityOf(Object.create(null))).toMatch(/^Anonymous#\d+$/);
    expect(identityOf(new Proxy(new Users(), {}))).toMatch(/^Proxy#\d+$/);
  });

  it('of a registered symbol is its key', () => {
    expect(identityOf(Symbol.for('a"b'))).toBe('Symbol.for("a\\"b")');
  });

  it('holds names that could be taken for a key encoded and short', () => {
    const named = (name: string): object => Object.defineProperty(() => 1, 'name', { value: name });
    expect(identityOf(named('1,"a"]}'))).toMatch(/^function:1%2C%22a%22%5D%7D#\d+$/);
    expect(identityOf(named('#1'))).toMatch(/^function:%231#\d+$/);
    expect(identityOf(named('x'.repeat(10_000))).length).toBeLessThan(100);
    expect(identityOf(named('\ud800'))).toMatch(/^function:%uD800#\d+$/);
  });

  it('asks neither the object nor its class', () => {
    const asked = jest.fn<() => never>();
    class Curious {
      static get name(): string {
        return asked();
      }
      get [Symbol.toStringTag](): string {
        return asked();
      }
    }
    expect(identityOf(new Curious())).toMatch(/^Anonymous#\d+$/);
    const behindProxy = Object.create(
      new Proxy({}, { getOwnPropertyDescriptor: asked, getPrototypeOf: asked, get: asked }),
    );
    expect(identityOf(behindProxy)).toMatch(/^Anonymous#\d+$/);
    expect(asked).not.toHaveBeenCalled();
  });

  it('survives a class that is renamed', () => {
    class Renamed {}
    const one = new Renamed();
    const before = identityOf(one);
    Object.defineProperty(Renamed, 'name', { value: 'Other' });
    expect(identityOf(one)).toBe(before);
    expect(classNameOf(Object.getPrototypeOf(one))).toBe('Other');
  });

  it('does not keep what it names', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const refs = Array.from({ length: 100 }, () => {
      const one = new Users();
      identityOf(one);
      return new WeakRef(one);
    });
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      collectGarbage();
      expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
    });
  });
});
