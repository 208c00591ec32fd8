import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { sameValue } from '../src/same-value.ts';

class Point {
  x = 1;
}
class Spot {
  x = 1;
}
const holed: unknown[] = [1];
holed[2] = 3;

/** Every value differs from every other; each function makes an equal one each time. */
const makers: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 0,
  () => -0,
  () => Number.NaN,
  () => '',
  () => '0',
  () => false,
  () => 0n,
  () => [],
  () => ({}),
  () => Object.create(null),
  () => [undefined],
  () => new Array(1),
  () => [[]],
  () => [1, undefined, 3],
  () => holed.slice(),
  () => ({ a: undefined }),
  () => ({ a: null }),
  () => ({ a: { b: [1] } }),
  () => ({ a: { b: [2] } }),
  () => ({ length: 0 }),
  () => new Date(0),
  () => new Date(1),
  () => new Date(Number.NaN),
  () => /a/,
  () => /a/g,
  () => Object.assign(/a/g, { lastIndex: 1 }),
  () => new Map(),
  () => new Map([[1, 'a']]),
  () => new Map([['1', 'a']]),
  () => new Map([[1, new Map()]]),
  () => new Set(),
  () => new Set([1]),
  () => new Set(['1']),
  () => new URL('https://a.b/c'),
  () => new URL('https://a.b/d'),
  () => new URLSearchParams('a=1'),
  () => new Error('a'),
  () => new TypeError('a'),
  () => new Error('b'),
  () => new Error('a', { cause: 1 }),
  () => Object.assign(new Error('a'), { status: 404 }),
  () => new Uint8Array([1]),
  () => new Uint8Array([2]),
  () => new Int8Array([1]),
  () => new Uint8Array([1]).buffer,
  () => new DataView(new Uint8Array([1]).buffer),
  () => Buffer.from([1]),
  () => new Float64Array([-0]),
  () => new Float64Array([0]),
  () => new Point(),
  () => new Spot(),
  () => Object(1),
  () => Object('1'),
  () => Symbol.for('a'),
  () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    return loop;
  },
];

describe('sameValue', () => {
  it('holds between values made alike', () => {
    for (const make of makers) expect([String(make), sameValue(make(), make())]).toEqual([String(make), true]);
  });

  it('does not hold between any two that differ', () => {
    for (const make of makers) {
      for (const other of makers) {
        if (other !== make)
          expect([String(make), String(other), sameValue(make(), other())]).toEqual([
            String(make),
            String(other),
            false,
          ]);
      }
    }
  });

  it('tells functions, symbols and promises by identity', () => {
    expect(
      sameValue(
        () => 1,
        () => 1,
      ),
    ).toBe(false);
    expect(sameValue(Symbol('a'), Symbol('a'))).toBe(false);
    expect(sameValue(Promise.resolve(1), Promise.resolve(1))).toBe(false);
  });

  it('does not mind from which realm a value comes', () => {
    const foreign = runInContext(
      '({ list: [1, new Date(5), new Map([[1, new Set([2])]])], error: new TypeError("x") })',
      createContext(),
    );
    expect(
      sameValue(foreign, { list: [1, new Date(5), new Map([[1, new Set([2])]])], error: new TypeError('x') }),
    ).toBe(true);
  });
});
