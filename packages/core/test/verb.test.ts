import { beforeEach, describe, expect, it } from '@jest/globals';
import { OptionError } from '@reprise/store';
import type { AnyFunction } from '../src/types.ts';
import { cached, memoize, wrapped } from './trivial-verb.ts';

const untyped = cached as AnyFunction;

beforeEach(() => {
  wrapped.length = 0;
});

describe('a verb called with a function', () => {
  it('wraps it, with or without options', () => {
    let calls = 0;
    const load = cached((id: number) => ({ id, call: ++calls }));
    expect(load(1)).toBe(load(1));
    expect(memoize((id: number) => id, { ttl: 5 })(1)).toBe(1);
    expect(wrapped.map(({ options }) => options)).toEqual([undefined, { ttl: 5 }]);
    expect(wrapped[0]?.member).toMatchObject({ kind: 'function', name: '', isStatic: false, isPrivate: false });
  });

  it('passes this and arguments through', () => {
    const box = {
      factor: 3,
      scale: cached(function (this: { factor: number }, by: number) {
        return this.factor * by;
      }),
    };
    expect(box.scale(2)).toBe(6);
  });

  it('keeps name, length, own properties and the kind of the function', () => {
    const key = Symbol('key');
    async function load(_id: string, _full: boolean): Promise<void> {}
    let reads = 0;
    Object.assign(load, { route: '/', [key]: 1 });
    Object.defineProperty(load, 'lazy', { get: () => ++reads, configurable: true });
    const wrapper = cached(load);
    expect([wrapper.name, wrapper.length]).toEqual(['load', 2]);
    expect(Object.getOwnPropertyDescriptor(wrapper, 'name')).toEqual(Object.getOwnPropertyDescriptor(load, 'name'));
    expect(reads).toBe(0);
    expect({ ...wrapper }).toEqual({ route: '/', [key]: 1 });
    expect(Object.getOwnPropertyDescriptor(wrapper, 'lazy')?.get).toBeDefined();
    expect(Object.prototype.toString.call(wrapper)).toBe('[object AsyncFunction]');
  });

  it('names what has no name, and lets names that are no strings be', () => {
    const [anonymous] = [() => 1];
    cached(anonymous as () => number);
    expect(wrapped[0]?.member.label()).toBe('anonymous function');
    function odd() {}
    Object.defineProperty(odd, 'name', { value: 5 });
    expect(cached(odd).name).toBe(5);
    expect(wrapped[1]?.member.name).toBe('');
  });

  it('wraps sloppy, bound, built-in and frozen functions', () => {
    const sloppy = new Function('a', 'return a + 1') as (a: number) => number;
    expect(cached(sloppy)(1)).toBe(2);
    expect(cached(sloppy.bind(undefined)).name).toBe('bound anonymous');
    expect(cached(Number)('5')).toBe(5);
    const frozen = Object.freeze(Object.assign((a: number) => a, { route: '/' }));
    expect(cached(frozen)(1)).toBe(1);
    expect(cached(frozen).route).toBe('/');
  });

  it('cannot be constructed', () => {
    function Old() {}
    expect(() => Reflect.construct(cached(Old), [])).toThrow(TypeError);
  });

  it('refuses a function whose property its handle would hide', () => {
    const load = Object.assign(function load() {}, { clear() {} });
    expect(() => cached(load)).toThrow(OptionError);
    expect(() => cached(load)).toThrow(/^cached\(load\): .*'clear'.*handle.*\(\.\.\.args\)/);
    expect(wrapped).toEqual([]);
  });

  it('takes a method for a function even where it is called class', () => {
    const { class: method } = {
      class(id: number): number {
        return id + 1;
      },
    };
    expect(cached(method)(1)).toBe(2);
  });

  it('refuses a class', () => {
    expect(() => untyped(class Users {})).toThrow(/^@cached on class Users: .*new Users/);
    expect(() => untyped(class {})).toThrow('@cached on class (anonymous class)');
  });

  it('refuses what is neither a function nor options', () => {
    for (const wrong of ['5m', 5, null, [], true, Symbol('a')]) {
      expect(() => untyped(wrong)).toThrow(OptionError);
      expect(() => untyped(wrong)).toThrow(/^cached: .* neither a function nor options; write cached\(fn, options\)/);
    }
    expect(() => untyped(undefined, { ttl: 1 })).toThrow(/^cached: undefined is neither/);
    expect(() => untyped({ ttl: 1 }, { ttl: 1 })).toThrow(/^cached: an object is neither/);
  });

  it('says so when a decorator is called as a function', () => {
    expect(() => untyped({ ttl: 1 })(() => 1)).toThrow(
      /^@cached: a decorator was called as a function; .*cached\(fn, options\)/,
    );
    expect(() => untyped({ ttl: 1 })()).toThrow(OptionError);
  });

  it('hands a wrong second argument to the check of the options', () => {
    cached(() => 1, '5m' as never);
    expect(wrapped[0]?.options).toBe('5m');
  });
});
