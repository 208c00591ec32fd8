import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { CodecError } from '../contract.ts';
import { ByteReader } from './bytes.ts';
import type { ClassRegistry, KnownClass } from './classes.ts';
import { isBigEndian } from './tagged-encoder.ts';
import { errorKinds, tags, viewKinds } from './tags.ts';

const maxArrayLength = 0xffff_ffff;

const errorClasses = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
} as const;

/**
 * The value of bytes in the tagged form. Everything in them is checked, whoever wrote them: a {@link CodecError} is the
 * worst that can happen.
 */
export function decodeTagged(bytes: Uint8Array, maxDepth: number, classes: ClassRegistry): unknown {
  return new TaggedDecoder(bytes, maxDepth, classes).decode();
}

class TaggedDecoder {
  readonly #reader: ByteReader;
  readonly #maxDepth: number;
  readonly #classes: ClassRegistry;
  /** `undefined` while the data of an instance is read. */
  readonly #objects: (object | undefined)[] = [];
  readonly #names: string[] = [];
  #depth = 0;

  constructor(bytes: Uint8Array, maxDepth: number, classes: ClassRegistry) {
    this.#classes = classes;
    this.#reader = new ByteReader(bytes);
    this.#maxDepth = maxDepth;
  }

  decode(): unknown {
    this.#reader.byte();
    const value = this.#value();
    if (this.#reader.remaining > 0) throw new CodecError('There are more bytes than the value has');
    return value;
  }

  #value(): unknown {
    const reader = this.#reader;
    const tag = reader.byte();
    switch (tag) {
      case tags.undefined:
        return undefined;
      case tags.null:
        return null;
      case tags.false:
        return false;
      case tags.true:
        return true;
      case tags.integer: {
        const zigzag = reader.varint();
        return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      }
      case tags.double:
        return reader.double();
      case tags.string:
        return reader.text('utf8');
      case tags.wideString:
        return reader.text('utf16le');
      case tags.bigint:
        return this.#bigint();
      case tags.reference:
        return this.#reference();
      default:
        return this.#object(tag);
    }
  }

  #bigint(): bigint {
    const negative = this.#reader.byte() === 1;
    const digits = this.#reader.text('utf8');
    if (!/^[0-9a-f]+$/.test(digits)) throw new CodecError('A bigint in the bytes has no hexadecimal digits');
    const magnitude = BigInt(`0x${digits}`);
    return negative ? -magnitude : magnitude;
  }

  #reference(): object {
    const object = this.#objects[this.#reader.varint()];
    if (object === undefined) throw new CodecError('A reference in the bytes leads nowhere');
    return object;
  }

  #string(): string {
    const value = this.#value();
    if (typeof value !== 'string') throw new CodecError('The bytes hold another thing where a text belongs');
    return value;
  }

  #name(): string {
    const number = this.#reader.varint();
    if (number > 0) {
      const known = this.#names[number - 1];
      if (known === undefined) throw new CodecError('A property name in the bytes leads nowhere');
      return known;
    }
    const name = this.#string();
    if (name === '__proto__') throw new CodecError("The bytes hold a property '__proto__'");
    this.#names.push(name);
    return name;
  }

  #begin<Kind extends object>(object: Kind): Kind {
    this.#objects.push(object);
    return object;
  }

  #object(tag: number): object {
    if (this.#depth >= this.#maxDepth) throw new CodecError(`The bytes nest deeper than ${this.#maxDepth}`);
    this.#depth++;
    const object = this.#read(tag);
    this.#depth--;
    return object;
  }

  #read(tag: number): object {
    const reader = this.#reader;
    switch (tag) {
      case tags.object:
        return this.#record(this.#begin({}));
      case tags.bareObject:
        return this.#record(this.#begin(Object.create(null) as Record<string, unknown>));
      case tags.array:
        return this.#array();
      case tags.sparseArray:
        return this.#sparseArray();
      case tags.map:
        return this.#map();
      case tags.set:
        return this.#set();
      case tags.date:
        return this.#begin(new Date(reader.double()));
      case tags.regExp:
        return this.#regExp();
      case tags.url:
        return this.#url();
      case tags.arrayBuffer:
        return this.#begin(reader.block().buffer);
      case tags.buffer:
        return this.#begin(Buffer.from(reader.block().buffer));
      case tags.view:
        return this.#view();
      case tags.error:
        return this.#error();
      case tags.instance:
        return this.#instance();
      default:
        throw new CodecError(`The bytes hold a kind of value that is not known here (${tag})`);
    }
  }

  #record(object: Record<string, unknown>): object {
    for (let count = this.#reader.count(2); count > 0; count--) {
      const name = this.#name();
      const value = this.#value();
      // Assigning would run a setter, or fail on a frozen Object.prototype.
      if (name in object) define(object, name, value, true);
      else object[name] = value;
    }
    return object;
  }

  #array(): unknown[] {
    const count = this.#reader.count(1);
    const array = this.#begin<unknown[]>([]);
    for (let index = 0; index < count; index++) array.push(this.#value());
    return array;
  }

  #sparseArray(): unknown[] {
    const length = this.#reader.varint();
    if (length > maxArrayLength) throw new CodecError('An array in the bytes is too long');
    const count = this.#reader.count(2);
    const array = this.#begin<unknown[]>([]);
    // The engine sets memory aside for a length that is not enormous, unless the array is kept as a dictionary already.
    array.length = maxArrayLength;
    array.length = length;
    for (let position = 0; position < count; position++) {
      const index = this.#reader.varint();
      if (index >= length) throw new CodecError('An array in the bytes has an element behind its end');
      array[index] = this.#value();
    }
    return array;
  }

  #map(): Map<unknown, unknown> {
    const count = this.#reader.count(2);
    const map = this.#begin(new Map<unknown, unknown>());
    for (let index = 0; index < count; index++) {
      const key = this.#value();
      map.set(key, this.#value());
    }
    return map;
  }

  #set(): Set<unknown> {
    const count = this.#reader.count(1);
    const set = this.#begin(new Set<unknown>());
    for (let index = 0; index < count; index++) set.add(this.#value());
    return set;
  }

  #regExp(): RegExp {
    const source = this.#string();
    const flags = this.#string();
    let pattern: RegExp;
    try {
      pattern = new RegExp(source, flags);
    } catch (cause) {
      throw new CodecError('The bytes hold a regular expression that is none here', { cause });
    }
    this.#begin(pattern);
    pattern.lastIndex = this.#value() as number;
    return pattern;
  }

  #url(): URL {
    const href = this.#string();
    try {
      return this.#begin(new URL(href));
    } catch (cause) {
      throw new CodecError('The bytes hold a URL that is none', { cause });
    }
  }

  #view(): ArrayBufferView {
    const code = this.#reader.byte();
    const name = viewKinds[code & 0x7f];
    const type = name && (globalThis as unknown as Record<string, ViewClass | undefined>)[name];
    if (type === undefined) throw new CodecError(`The bytes hold a typed array that is not known here (${code})`);
    const { buffer } = this.#reader.block();
    const width = type.BYTES_PER_ELEMENT ?? 1;
    if (buffer.byteLength % width !== 0)
      throw new CodecError('A typed array in the bytes ends in the middle of an element');
    if (width > 1 && code >= 0x80 !== isBigEndian) {
      throw new CodecError('The bytes hold a typed array of a machine with another byte order');
    }
    return this.#begin(new type(buffer));
  }

  #error(): Error {
    const kind = errorKinds[this.#reader.byte()];
    if (kind === undefined) throw new CodecError('The bytes hold an error of a class that is not known here');
    const error = this.#begin<Error>(kind === 'AggregateError' ? new AggregateError([]) : new errorClasses[kind]());
    for (const name of Object.getOwnPropertyNames(error)) delete (error as unknown as Record<string, unknown>)[name];
    const stack = this.#value();
    if (typeof stack === 'string') define(error, 'stack', stack, false);
    for (let count = this.#reader.count(3); count > 0; count--) {
      const name = this.#name();
      const enumerable = this.#reader.byte() === 1;
      define(error, name, this.#value(), enumerable);
    }
    return error;
  }

  #instance(): object {
    const name = this.#name();
    const known = this.#classes.named(name);
    if (known === undefined) {
      throw new CodecError(`The bytes hold an instance of '${name}', a class that is not registered here`);
    }
    const number = this.#objects.push(undefined) - 1;
    const data = this.#value();
    let instance: unknown;
    try {
      instance = known.decode(data);
    } catch (cause) {
      throw new CodecError(`decode of the class '${name}' failed`, { cause });
    }
    if (!isInstance(instance, known)) {
      throw new CodecError(`decode of the class '${name}' gave something that is no instance of ${known.type.name}`);
    }
    this.#objects[number] = instance;
    return instance;
  }
}

function isInstance(value: unknown, { type }: KnownClass): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  return Object.getPrototypeOf(value) === type.prototype;
}

interface ViewClass {
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer): ArrayBufferView;
}

function define(object: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, name, { value, enumerable, configurable: true, writable: true });
}
