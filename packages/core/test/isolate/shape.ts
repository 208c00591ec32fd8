import { types } from 'node:util';

/** What an object shows of itself beside its properties, as something that `Object.is` or text can compare. */
function contentOf(value: object): unknown[] {
  if (types.isDate(value)) return [value.getTime()];
  if (types.isRegExp(value)) return [value.source, value.flags];
  if (types.isBoxedPrimitive(value)) return [value.valueOf()];
  if (types.isAnyArrayBuffer(value)) return [...new Uint8Array(value)];
  if (Buffer.isBuffer(value)) return [...value];
  if (ArrayBuffer.isView(value)) return [value.byteOffset, value.byteLength];
  if (value instanceof URL || value instanceof URLSearchParams) return [String(value)];
  return [];
}

function brandOf(value: object): string {
  const checks = Object.entries(types).filter(([name, check]) => {
    return name !== 'isExternal' && typeof check === 'function' && (check as (value: object) => boolean)(value);
  });
  return checks.map(([name]) => name).join();
}

/** What an object leads to, each under a name. Accessors are left alone, but for the stacks of errors. */
function* partsOf(value: object): Iterable<[PropertyKey, unknown, string]> {
  if (types.isMap(value)) {
    let place = 0;
    for (const [key, item] of Map.prototype.entries.call(value)) {
      yield [`key ${place}`, key, ''];
      yield [`item ${place++}`, item, ''];
    }
  }
  if (types.isSet(value)) {
    let place = 0;
    for (const item of Set.prototype.values.call(value)) yield [`item ${place++}`, item, ''];
  }
  if (value instanceof URL) yield ['searchParams', value.searchParams, ''];
  // That of a Buffer may be larger than it.
  if (ArrayBuffer.isView(value) && !Buffer.isBuffer(value)) yield ['buffer', value.buffer, ''];
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
    const flags = [property.writable, property.enumerable, property.configurable].join();
    // The mark of fake timers.
    const isMark = key === 'constructor' && types.isDate(value);
    if (isMark) yield [key, String(property.value), flags];
    else yield [key, key === 'stack' ? (value as Error).stack : property.value, key === 'stack' ? '' : flags];
  }
}

/** Where one value differs from another in anything that a reader could find out but by identity; `''` if nowhere. */
export function findDifference(one: unknown, other: unknown): string {
  const twins = new Map<object, object>();
  const open: [unknown, unknown, string][] = [[one, other, 'value']];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [a, b, place] = next;
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      if (!Object.is(a, b)) return `${place}: another primitive`;
      continue;
    }
    if (twins.has(a) || twins.has(b)) {
      if (twins.get(a) !== b || twins.get(b) !== a) return `${place}: shared otherwise`;
      continue;
    }
    twins.set(a, b).set(b, a);
    if (a === b) return `${place}: the same object`;
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${place}: another prototype`;
    if (brandOf(a) !== brandOf(b)) return `${place}: ${brandOf(a)} is not ${brandOf(b)}`;
    if (Object.isExtensible(a) !== Object.isExtensible(b)) return `${place}: extensible or not`;
    const [inA, inB] = [contentOf(a), contentOf(b)];
    if (inA.length !== inB.length || !inA.every((item, index) => Object.is(item, inB[index]))) {
      return `${place}: another content`;
    }
    const [ofA, ofB] = [[...partsOf(a)], [...partsOf(b)]];
    if (ofA.length !== ofB.length) return `${place}: ${ofA.length} parts are not ${ofB.length}`;
    for (const [index, [key, part, flags]] of ofA.entries()) {
      const [otherKey, otherPart, otherFlags] = ofB[index] as [PropertyKey, unknown, string];
      if (key !== otherKey) return `${place}: ${String(key)} is not ${String(otherKey)}`;
      if (flags !== otherFlags) return `${place}.${String(key)}: ${flags} is not ${otherFlags}`;
      open.push([part, otherPart, `${place}.${String(key)}`]);
    }
  }
  return '';
}

/** All objects that a value leads to, itself included, and the memory of Buffers. */
export function listObjects(value: unknown): Set<object> {
  const known = new Set<object>();
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null || known.has(next)) continue;
    known.add(next);
    for (const [, part] of partsOf(next)) open.push(part);
    if (Buffer.isBuffer(next)) known.add(next.buffer);
  }
  return known;
}

/** Changes all that can be changed in each of these objects. Answers how many changes succeeded. */
export function changeAll(objects: Iterable<object>): number {
  let changes = 0;
  const attempt = (change: () => boolean): void => {
    if (change()) changes++;
  };
  for (const object of objects) {
    if (types.isAnyArrayBuffer(object)) {
      const bytes = new Uint8Array(object);
      attempt(() => bytes.length > 0 && bytes.fill((bytes[0] as number) ^ 0xff) !== undefined);
    }
    if (types.isMap(object)) attempt(() => object.set({}, 'changed') === object);
    if (types.isSet(object)) attempt(() => object.add({}) === object);
    if (types.isDate(object)) attempt(() => object.setTime(12_345) === 12_345);
    if (object instanceof URL) attempt(() => object.searchParams.append('changed', '1') === undefined);
    if (types.isTypedArray(object)) continue;
    for (const key of Reflect.ownKeys(object)) {
      attempt(() => key !== 'length' && Reflect.set(object, key, 'changed'));
      attempt(() => key !== 'length' && key !== 'lastIndex' && Reflect.deleteProperty(object, key));
    }
    attempt(() => Reflect.set(object, 'added', 1));
    attempt(() => Object.isExtensible(object) && Reflect.setPrototypeOf(object, { changed: true }));
  }
  return changes;
}
