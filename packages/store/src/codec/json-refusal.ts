import { types } from 'node:util';
import { describeObject, isPlainObject } from './kinds.ts';
import { placeOf } from './place.ts';

/**
 * What in a value JSON would lose or change, and where, in words; for values that are not plain data. Runs no code of the value.
 * `undefined` where nothing is found, which a change of the built-in prototypes can make.
 */
export function findJsonLoss(value: unknown, maxDepth: number): string | undefined {
  return new Search(maxDepth).find(value);
}

class Search {
  readonly #maxDepth: number;
  readonly #known = new Set<object>();
  readonly #path: (string | number)[] = [];

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  find(value: unknown): string | undefined {
    const what = this.#loss(value);
    if (what !== undefined) return `${what} at ${placeOf(this.#path)}`;
    if (typeof value !== 'object' || value === null) return undefined;
    if (this.#path.length >= this.#maxDepth) return `more than the ${this.#maxDepth} levels that maxDepth allows`;
    this.#known.add(value);
    for (const name of Reflect.ownKeys(value)) {
      if (name === 'length' && Array.isArray(value)) continue;
      const member = this.#member(value, name);
      if (member !== undefined) return member;
    }
    return undefined;
  }

  #member(value: object, name: string | symbol): string | undefined {
    const place = (what: string): string => `${what} at ${placeOf(this.#path)}`;
    if (typeof name === 'symbol') return place('a property whose name is a symbol');
    if (name === '__proto__') return place("a property '__proto__'");
    const index = Array.isArray(value) ? Number(name) : undefined;
    if (index !== undefined && String(index) !== name) return place('an array with properties of its own');
    const property = Object.getOwnPropertyDescriptor(value, name);
    this.#path.push(index ?? name);
    if (property === undefined || !('value' in property)) return place('an accessor property');
    if (!property.enumerable) return place('a property that is not enumerable');
    const found = this.find(property.value);
    if (found === undefined) this.#path.pop();
    return found;
  }

  #loss(value: unknown): string | undefined {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return undefined;
      case 'number':
        if (Object.is(value, -0)) return 'the number -0';
        return Number.isFinite(value) ? undefined : `the number ${value}`;
      case 'undefined':
        return 'undefined';
      case 'object':
        return value === null ? undefined : this.#objectLoss(value);
      default:
        return `a ${typeof value}`;
    }
  }

  #objectLoss(value: object): string | undefined {
    if (types.isProxy(value)) return 'a Proxy';
    if (this.#known.has(value)) return 'an object that stands in another place as well';
    const proto: object | null = Object.getPrototypeOf(value);
    if (Array.isArray(value)) {
      if (proto !== Array.prototype) return describeObject(value);
      return Object.keys(value).length < value.length && hasHole(value) ? 'an array with holes' : undefined;
    }
    if (proto === null) return 'an object without prototype';
    if (Object.getOwnPropertySymbols(value).length > 0) return 'a property whose name is a symbol';
    return proto === Object.prototype && isPlainObject(value, proto) ? undefined : describeObject(value);
  }
}

function hasHole(value: readonly unknown[]): boolean {
  for (let index = 0; index < value.length; index++) if (!Object.hasOwn(value, index)) return true;
  return false;
}
