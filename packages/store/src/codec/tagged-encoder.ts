import { types } from 'node:util';
import { CodecError } from '../contract.ts';
import { ByteWriter } from './bytes.ts';
import type { ClassRegistry, KnownClass } from './classes.ts';
import { errorKindOf, inheritedName, nearestErrorKind } from './error-kind.ts';
import {
  describeObject,
  hrefOf,
  isArrayPrototype,
  isBuffer,
  isIntrinsicPrototype,
  isIntrinsicView,
  isObjectPrototype,
  isPlainObject,
  viewName,
} from './kinds.ts';
import { placeOf } from './place.ts';
import { errorKinds, forms, tags, viewKinds } from './tags.ts';

const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
const descriptorOf = Object.getOwnPropertyDescriptor;

// Read through the built-in functions themselves, so that a subclass or an own property cannot stand in their way.
const mapForEach = Map.prototype.forEach;
const setForEach = Set.prototype.forEach;
const dateTime = Date.prototype.getTime;
const regExpSource = descriptorOf(RegExp.prototype, 'source')?.get;
const regExpFlags = descriptorOf(RegExp.prototype, 'flags')?.get;

/** What the tagged form is asked to keep. */
export interface TaggedLimits {
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether an error of an unknown class may be kept as the nearest built-in one. */
  readonly nearestErrors: boolean;
  /** The classes whose instances are kept. */
  readonly classes: ClassRegistry;
}

/** The tagged form of a value, or a {@link CodecError} that names the part which has none. */
export function encodeTagged(value: unknown, limits: TaggedLimits): Uint8Array {
  const encoder = new TaggedEncoder(limits);
  try {
    return encoder.encode(value);
  } finally {
    encoder.release();
  }
}

class TaggedEncoder {
  readonly #writer: ByteWriter;
  readonly #limits: TaggedLimits;
  readonly #objects = new Map<object, number>();
  readonly #names = new Map<string, number>();
  readonly #views: Uint8Array[] = [];
  /** The instances whose data is being written. */
  readonly #open = new Set<object>();
  /** Where the value being written stands, for messages. */
  readonly #path: (string | number)[] = [];

  constructor(limits: TaggedLimits) {
    this.#limits = limits;
    this.#writer = new ByteWriter(limits.maxBytes);
  }

  encode(value: unknown): Uint8Array {
    this.#writer.byte(forms.tagged);
    this.#value(value);
    this.#refuseOverlaps();
    return this.#writer.finish();
  }

  release(): void {
    this.#writer.release();
  }

  #refuse(what: string): never {
    const way = what.startsWith('an instance of') ? '; registerClass says how instances of a class are kept' : '';
    throw new CodecError(`Cannot keep ${what} at ${placeOf(this.#path)}: it would come back as something else${way}`);
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        this.#writer.byte(tags.undefined);
        break;
      case 'boolean':
        this.#writer.byte(value ? tags.true : tags.false);
        break;
      case 'number':
        this.#number(value);
        break;
      case 'string':
        this.#string(value);
        break;
      case 'bigint':
        this.#bigint(value);
        break;
      case 'object':
        if (value === null) this.#writer.byte(tags.null);
        else this.#object(value);
        break;
      case 'function':
        this.#refuse('a function');
        break;
      default:
        this.#refuse('a symbol');
    }
  }

  #number(value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.#writer.byte(tags.integer);
      this.#writer.varint(value < 0 ? -2 * value - 1 : 2 * value);
    } else {
      this.#writer.byte(tags.double);
      this.#writer.double(value);
    }
  }

  #string(value: string): void {
    const formed = isWellFormed(value);
    this.#writer.byte(formed ? tags.string : tags.wideString);
    this.#writer.text(value, formed ? 'utf8' : 'utf16le');
  }

  #bigint(value: bigint): void {
    this.#writer.byte(tags.bigint);
    this.#writer.byte(value < 0n ? 1 : 0);
    this.#writer.text((value < 0n ? -value : value).toString(16), 'utf8');
  }

  #name(name: string): void {
    if (name === '__proto__') this.#refuse("a property '__proto__'");
    const known = this.#names.get(name);
    this.#writer.varint(known ?? 0);
    if (known !== undefined) return;
    this.#names.set(name, this.#names.size + 1);
    this.#string(name);
  }

  #object(value: object): void {
    if (types.isProxy(value)) this.#refuse('a Proxy');
    const number = this.#objects.get(value);
    if (number !== undefined) {
      if (this.#open.has(value)) this.#refuse(`${describeObject(value)} within the data of itself`);
      this.#writer.byte(tags.reference);
      this.#writer.varint(number);
      return;
    }
    this.#objects.set(value, this.#objects.size);
    if (this.#path.length >= this.#limits.maxDepth) {
      throw new CodecError(
        `The value nests deeper than the ${this.#limits.maxDepth} levels that the codec's maxDepth allows`,
      );
    }
    const proto: object | null = Object.getPrototypeOf(value);
    const known = proto === null ? undefined : this.#limits.classes.ofPrototype(proto);
    if (known !== undefined) this.#instance(value, known);
    else if (Array.isArray(value)) this.#array(value, proto);
    else if (isPlainObject(value, proto)) this.#record(value, proto === null ? tags.bareObject : tags.object);
    else if (types.isNativeError(value)) this.#error(value, proto);
    else this.#builtIn(value, proto);
  }

  #instance(value: object, known: KnownClass): void {
    let data: unknown;
    try {
      data = known.encode(value);
    } catch (cause) {
      throw new CodecError(`encode of the class '${known.name}' failed at ${placeOf(this.#path)}`, { cause });
    }
    this.#writer.byte(tags.instance);
    this.#name(known.name);
    this.#open.add(value);
    this.#within('encoded', data);
    this.#open.delete(value);
  }

  /** The own property `name`, which has to be an enumerable value: an accessor would be run, and lost. */
  #field(value: object, name: string): unknown {
    const property = descriptorOf(value, name);
    if (property === undefined) return undefined;
    if (!('value' in property)) this.#refuse('an accessor property');
    if (property.enumerable !== true) this.#refuse('a property that is not enumerable');
    return property.value;
  }

  #within(part: string | number, value: unknown): void {
    this.#path.push(part);
    this.#value(value);
    this.#path.pop();
  }

  #record(value: object, tag: number): void {
    const names = this.#fieldNames(value);
    this.#writer.byte(tag);
    this.#writer.varint(names.length);
    for (const name of names) {
      this.#path.push(name);
      this.#name(name);
      this.#value(this.#field(value, name));
      this.#path.pop();
    }
  }

  #fieldNames(value: object): string[] {
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('a property whose name is a symbol');
    return Object.getOwnPropertyNames(value);
  }

  #array(value: readonly unknown[], proto: object | null): void {
    if (!isArrayPrototype(proto)) this.#refuse(describeObject(value));
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('a property whose name is a symbol');
    const length = value.length;
    // The last is `length`, or a property of its own behind it.
    const names = Object.getOwnPropertyNames(value);
    const count = names.length - 1;
    if (count > length || (count > 0 && !isIndex(names[count - 1] as string, length))) {
      this.#refuse('an array with properties of its own');
    }
    const dense = count === length;
    this.#writer.byte(dense ? tags.array : tags.sparseArray);
    if (!dense) this.#writer.varint(length);
    this.#writer.varint(count);
    for (let position = 0; position < count; position++) {
      const index = dense ? position : Number(names[position]);
      if (!dense) this.#writer.varint(index);
      this.#path.push(index);
      this.#value(this.#field(value, String(index)));
      this.#path.pop();
    }
  }

  #error(error: Error, proto: object | null): void {
    let kind = errorKindOf(proto);
    if (kind < 0) {
      if (!this.#limits.nearestErrors) this.#refuse(`${describeObject(error)} (a class derived from Error)`);
      kind = nearestErrorKind(proto);
    }
    const names = this.#fieldNames(error).filter((name) => name !== 'stack');
    const inherited = this.#limits.nearestErrors && !names.includes('name') ? inheritedName(proto) : undefined;
    const lostName = inherited !== undefined && inherited !== errorKinds[kind];
    this.#writer.byte(tags.error);
    this.#writer.byte(kind);
    // Reading it may run Error.prepareStackTrace, which may run anything: the writer is not shared meanwhile.
    const stack: unknown = Object.hasOwn(error, 'stack') ? error.stack : undefined;
    if (stack !== undefined && typeof stack !== 'string') this.#refuse('an error whose stack is not a string');
    this.#value(stack);
    this.#writer.varint(names.length + (lostName ? 1 : 0));
    if (lostName) this.#errorField('name', false, inherited);
    for (const name of names) {
      const property = descriptorOf(error, name);
      this.#path.push(name);
      if (property === undefined || !('value' in property)) this.#refuse('an accessor property');
      this.#errorField(name, property.enumerable === true, property.value);
      this.#path.pop();
    }
  }

  #errorField(name: string, enumerable: boolean, value: unknown): void {
    this.#name(name);
    this.#writer.byte(enumerable ? 1 : 0);
    this.#value(value);
  }

  #builtIn(value: object, proto: object | null): void {
    const href = hrefOf(value, proto);
    if (ArrayBuffer.isView(value)) this.#view(value, proto);
    else if (types.isMap(value) && isIntrinsicPrototype(proto, 'Map', 1)) this.#map(value);
    else if (types.isSet(value) && isIntrinsicPrototype(proto, 'Set', 1)) this.#set(value);
    else if (types.isDate(value)) this.#date(value, proto);
    else if (types.isRegExp(value) && isIntrinsicPrototype(proto, 'RegExp', 1)) this.#regExp(value);
    else if (types.isArrayBuffer(value) && isIntrinsicPrototype(proto, 'ArrayBuffer', 1)) this.#arrayBuffer(value);
    else if (href !== undefined) {
      this.#refuseFields(value);
      this.#writer.byte(tags.url);
      this.#string(href);
    } else if (isPlainLike(value, proto)) this.#refuse('a property whose name is a symbol');
    else this.#refuse(describeObject(value));
  }

  /** Under fake timers `Date` is a class derived from the real one, and its instances have a property `constructor`. */
  #date(value: Date, proto: object | null): void {
    const faked = proto === Date.prototype && descriptorOf(value, 'constructor')?.enumerable === false;
    if (!faked && !isIntrinsicPrototype(proto, 'Date', 1)) this.#refuse(describeObject(value));
    this.#refuseFields(value, faked ? 1 : 0);
    this.#writer.byte(tags.date);
    this.#writer.double(dateTime.call(value));
  }

  #refuseFields(value: object, allowed = 0): void {
    if (Reflect.ownKeys(value).length > allowed) this.#refuse(`${describeObject(value)} with properties of its own`);
  }

  #map(value: Map<unknown, unknown>): void {
    this.#refuseFields(value);
    const pairs: [unknown, unknown][] = [];
    mapForEach.call(value, (item, key) => pairs.push([key, item]));
    this.#writer.byte(tags.map);
    this.#writer.varint(pairs.length);
    for (const [index, [key, item]] of pairs.entries()) {
      this.#within(index, key);
      this.#within(typeof key === 'string' ? key : index, item);
    }
  }

  #set(value: Set<unknown>): void {
    this.#refuseFields(value);
    const items: unknown[] = [];
    setForEach.call(value, (item) => items.push(item));
    this.#writer.byte(tags.set);
    this.#writer.varint(items.length);
    for (const [index, item] of items.entries()) this.#within(index, item);
  }

  #regExp(value: RegExp): void {
    this.#refuseFields(value, 1);
    this.#writer.byte(tags.regExp);
    this.#string(regExpSource?.call(value) as string);
    this.#string(regExpFlags?.call(value) as string);
    this.#within('lastIndex', value.lastIndex);
  }

  #arrayBuffer(value: ArrayBuffer): void {
    this.#refuseFields(value);
    if ((value as { readonly resizable?: boolean }).resizable === true) this.#refuse('a resizable ArrayBuffer');
    if ((value as { readonly detached?: boolean }).detached === true) this.#refuse('a detached ArrayBuffer');
    const bytes = new Uint8Array(value);
    this.#views.push(bytes);
    this.#writer.byte(tags.arrayBuffer);
    this.#writer.block(bytes);
  }

  #view(value: ArrayBufferView, proto: object | null): void {
    const name = viewName(value);
    const kind = viewKinds.indexOf(name as (typeof viewKinds)[number]);
    if (types.isSharedArrayBuffer(value.buffer)) this.#refuse('a view of shared memory');
    const elements = (value as { readonly length?: number }).length ?? 0;
    if (Object.getOwnPropertySymbols(value).length > 0 || hasOwnNames(value, elements)) {
      this.#refuse(`${describeObject(value)} with properties of its own`);
    }
    const bytes = new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
    this.#views.push(bytes);
    if (isBuffer(proto)) {
      this.#writer.byte(tags.buffer);
    } else {
      if (kind < 0 || !isIntrinsicView(proto, name)) this.#refuse(describeObject(value));
      this.#writer.byte(tags.view);
      this.#writer.byte(bigEndian ? kind | 0x80 : kind);
    }
    this.#writer.block(bytes);
  }

  /** Views that share memory would come back apart, and a change of one would no longer show in the other. */
  #refuseOverlaps(): void {
    const byBuffer = new Map<ArrayBufferLike, Uint8Array[]>();
    for (const view of this.#views) {
      if (view.length === 0) continue;
      const views = byBuffer.get(view.buffer);
      if (views === undefined) byBuffer.set(view.buffer, [view]);
      else views.push(view);
    }
    for (const views of byBuffer.values()) {
      views.sort((a, b) => a.byteOffset - b.byteOffset);
      for (let index = 1; index < views.length; index++) {
        const before = views[index - 1] as Uint8Array;
        if ((views[index] as Uint8Array).byteOffset < before.byteOffset + before.length) {
          this.#refuse('two views of the same memory');
        }
      }
    }
  }
}

/** Names of a long view are not listed: that would make a string of each index. */
function hasOwnNames(value: ArrayBufferView, elements: number): boolean {
  return elements <= 1_024 && Object.getOwnPropertyNames(value).length > elements;
}

function isIndex(name: string, length: number): boolean {
  const index = Number(name);
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === name;
}

function isPlainLike(value: object, proto: object | null): boolean {
  if (types.isArgumentsObject(value) || Object.getOwnPropertySymbols(value).length === 0) return false;
  return proto === null || isObjectPrototype(proto);
}

/** `String.prototype.isWellFormed`, which the library that TypeScript is told of does not have yet. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** Whether the machine keeps the low byte first, which is what the views of a shared directory have to agree on. */
export const isBigEndian: boolean = bigEndian;
