import { types } from 'node:util';

/** What is done to a value on the way through its copy. */
interface Change {
  /** In which order the members of a Map, a Set or an object are put into the copy. */
  order<T>(members: T[]): T[];
  leaf(value: unknown): unknown;
}

/** A deep copy whose keys, Maps and Sets are in an order that `random` (in [0, 1)) decides. */
export function copyArbitrarily(value: unknown, random: () => number): unknown {
  const order = <T>(members: T[]): T[] => {
    for (let end = members.length - 1; end > 0; end--) {
      const index = Math.floor(random() * (end + 1));
      [members[end], members[index]] = [members[index] as T, members[end] as T];
    }
    return members;
  };
  return copy(value, { order, leaf: (leaf) => leaf });
}

/** How many leaves {@link mutateLeaf} could change. */
export function countLeaves(value: unknown): number {
  let leaves = 0;
  const leaf = (value: unknown): unknown => {
    leaves++;
    return value;
  };
  copy(value, { order: (members) => members, leaf });
  return leaves;
}

/** A deep copy in which one leaf is another one. */
export function mutateLeaf(value: unknown, at: number): unknown {
  let index = 0;
  return copy(value, {
    order: (members) => members,
    leaf: (value) => (index++ === at ? otherThan(value) : value),
  });
}

function otherThan(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return value === '' ? 'x' : value.slice(0, -1) + String.fromCharCode(value.charCodeAt(value.length - 1) ^ 1);
    case 'number':
      return value === 0 ? '0' : -value || null;
    case 'bigint':
      return Number(value);
    case 'boolean':
      return !value;
    case 'undefined':
      return null;
    default:
      return undefined;
  }
}

function copy(value: unknown, change: Change): unknown {
  if (typeof value !== 'object' || value === null) return change.leaf(value);
  const result = copyContent(value, change);
  if (Array.isArray(value)) fillHoles(value, result as unknown[], change);
  const keys = Reflect.ownKeys(value).filter((key) => !Object.hasOwn(result, key));
  for (const key of change.order(keys)) {
    const own = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
    Object.defineProperty(result, key, { ...own, value: copy(own.value, change) });
  }
  return result;
}

const absent = Symbol('absent');

/** A hole is a leaf too: another one is undefined. */
function fillHoles(original: readonly unknown[], result: unknown[], change: Change): void {
  for (let index = 0; index < original.length; index++) {
    if (!Object.hasOwn(original, index) && change.leaf(absent) !== absent) result[index] = undefined;
  }
}

function copyContent(value: object, change: Change): object {
  if (Array.isArray(value)) return new Array(value.length);
  if (types.isMap(value)) {
    return new Map(change.order([...value]).map(([key, item]) => [copy(key, change), copy(item, change)]));
  }
  if (types.isSet(value)) return new Set(change.order([...value]).map((item) => copy(item, change)));
  if (types.isNativeError(value)) return new (value.constructor as ErrorConstructor)();
  if (types.isDate(value)) return new Date(value);
  if (types.isRegExp(value)) return new RegExp(value);
  if (value instanceof URL || value instanceof URLSearchParams)
    return new (value.constructor as typeof URL)(String(value));
  if (types.isBoxedPrimitive(value)) return Object(value.valueOf()) as object;
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (types.isTypedArray(value)) return value.slice();
  if (types.isArrayBuffer(value)) return value.slice(0);
  if (types.isDataView(value)) return new DataView(value.buffer.slice(0) as ArrayBuffer);
  return Object.create(Object.getPrototypeOf(value) as object | null) as object;
}
