import { types } from 'node:util';

/** Whether two values are the same but for identity: every property, every kind, every reference that is shared or leads back. */
export function isSameGraph(one: unknown, other: unknown): boolean {
  return new Comparison().same(one, other);
}

class Comparison {
  readonly #there = new Map<object, object>();
  readonly #back = new Map<object, object>();

  same(one: unknown, other: unknown): boolean {
    if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
      return Object.is(one, other);
    }
    if (this.#there.has(one) || this.#back.has(other)) {
      return this.#there.get(one) === other && this.#back.get(other) === one;
    }
    if (one === other) return false;
    this.#there.set(one, other);
    this.#back.set(other, one);
    return (
      Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
      this.#sameInside(one, other) &&
      this.#sameProperties(one, other)
    );
  }

  #sameInside(one: object, other: object): boolean {
    if (types.isDate(one)) return types.isDate(other) && Object.is(one.getTime(), other.getTime());
    if (types.isRegExp(one)) return types.isRegExp(other) && String(one) === String(other);
    if (one instanceof URL) return other instanceof URL && one.href === other.href;
    if (types.isNativeError(one)) return types.isNativeError(other);
    if (types.isMap(one)) return types.isMap(other) && this.#sameList([...one].flat(), [...other].flat());
    if (types.isSet(one)) return types.isSet(other) && this.#sameList([...one], [...other]);
    if (types.isArrayBuffer(one))
      return types.isArrayBuffer(other) && Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
    if (ArrayBuffer.isView(one)) {
      return ArrayBuffer.isView(other) && Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
    }
    return Array.isArray(one) === Array.isArray(other);
  }

  #sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
    return one.length === other.length && one.every((item, index) => this.same(item, other[index]));
  }

  #sameProperties(one: object, other: object): boolean {
    if (ArrayBuffer.isView(one)) return true;
    // Those of errors are put in another order.
    const order = (value: object): PropertyKey[] =>
      types.isNativeError(value) ? Reflect.ownKeys(value).sort() : Reflect.ownKeys(value);
    const names = order(one);
    const others = order(other);
    if (names.length !== others.length || names.some((name, index) => name !== others[index])) return false;
    return names.every((name) => {
      const [mine, theirs] = [one, other].map((value) => Object.getOwnPropertyDescriptor(value, name));
      return mine?.enumerable === theirs?.enumerable && this.same(mine?.value, theirs?.value);
    });
  }
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}
