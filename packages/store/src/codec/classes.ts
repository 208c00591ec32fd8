import { types } from 'node:util';
import { OptionError } from '../contract.ts';
import { errorKindOf } from './error-kind.ts';
import { isBuffer, isIntrinsicPrototype, isObjectPrototype } from './kinds.ts';
import { viewKinds } from './tags.ts';

/** A class as {@link registerClass} takes it; its constructor may be private, it is never called. */
export interface RevivableClass<Instance extends object> {
  readonly name: string;
  readonly prototype: Instance;
}

/** How instances of a class become data and back, see {@link registerClass}. */
export interface ClassRevival<Instance extends object, Data> {
  /**
   * Stands for the class in the bytes. Default: the name of the class. Give one where code is minified, and keep it when the class is
   * renamed: what was written under another name is not read any more.
   */
  readonly name?: string;
  /** What has to be kept of an instance: anything that the codec keeps, also instances of registered classes. */
  encode(instance: Instance): Data;
  /** An instance again: of the class itself, of no other. It gets what `encode` gave, or whatever somebody wrote in its place. */
  decode(data: Data): Instance;
}

/** A class with its revival, for one codec: the option `classes` of {@link createCodec}. */
export interface CodecClass<Instance extends object = object, Data = unknown> extends ClassRevival<Instance, Data> {
  readonly class: RevivableClass<Instance>;
}

/** A class that is known by a name. */
export interface KnownClass {
  readonly name: string;
  readonly type: RevivableClass<object>;
  readonly encode: (instance: object) => unknown;
  readonly decode: (data: unknown) => object;
}

/** Classes by prototype and by name; what it does not know, the one behind it may. */
export class ClassRegistry {
  readonly #byPrototype = new Map<object, KnownClass>();
  readonly #byName = new Map<string, KnownClass>();
  readonly #behind: ClassRegistry | undefined;

  constructor(behind?: ClassRegistry) {
    this.#behind = behind;
  }

  /** The class whose own prototype it is: a derived class has another. */
  ofPrototype(prototype: object): KnownClass | undefined {
    return this.#byPrototype.get(prototype) ?? this.#behind?.ofPrototype(prototype);
  }

  named(name: string): KnownClass | undefined {
    return this.#byName.get(name) ?? this.#behind?.named(name);
  }

  /** @param caller who is named in errors */
  add(caller: string, type: RevivableClass<object>, revival: ClassRevival<object, unknown>): void {
    if (!isClass(type)) {
      throw new OptionError(`${caller} takes a class, not ${describe(type)}`);
    }
    if (typeof revival !== 'object' || revival === null) {
      throw new OptionError(`${caller}: a class needs { encode, decode } beside it, not ${describe(revival)}`);
    }
    const { name = type.name, encode, decode } = revival;
    if (typeof name !== 'string' || name === '' || name === '__proto__') {
      throw new OptionError(`${caller}: the class needs a name in words that are not empty; give it as { name }`);
    }
    for (const [option, value] of Object.entries({ encode, decode })) {
      if (typeof value === 'function') continue;
      throw new OptionError(`${caller}: ${option} of the class '${name}' must be a function, not ${describe(value)}`);
    }
    if (isKeptAnyway(type.prototype)) {
      throw new OptionError(`${caller}: the codec keeps '${type.name}' by itself; register a class of your own`);
    }
    const taken = this.#byName.get(name);
    if (taken !== undefined && taken.type !== type) {
      throw new OptionError(
        `${caller}: the name '${name}' of the class ${type.name} is taken by another class, ${taken.type.name}; give one of them another { name }`,
        { code: 'E_NAME_TAKEN' },
      );
    }
    const known: KnownClass = {
      name,
      type,
      encode: (instance) => revival.encode(instance),
      decode: (data) => revival.decode(data),
    };
    this.#byName.set(name, known);
    this.#byPrototype.set(type.prototype, known);
  }
}

/** What {@link registerClass} knows, for every codec of the process that is made by {@link createCodec}. */
export const registeredClasses: ClassRegistry = new ClassRegistry();

/**
 * Teaches {@link defaultCodec}, and every codec of {@link createCodec}, to keep the instances of a class: `encode` says what has to be
 * kept of one, `decode` makes it again. Register a class where it is defined, so that whoever reads entries knows it as well: an entry
 * with a class that is not known is a miss.
 *
 * Only instances of the class itself are meant; derived classes are registered by themselves. An instance that stands in several places
 * comes back as one. An instance whose data leads back to itself is refused. Registering a class once more replaces how it is kept.
 *
 * @throws OptionError when it is no class, when `encode` or `decode` is missing, when the codec keeps it by itself (`Map`, `Date`, …), or when
 * its name is taken by another class (`E_NAME_TAKEN`)
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { defaultCodec, registerClass } from '@reprise/store';
 *
 * class Money {
 *   constructor(readonly cents: bigint, readonly currency: string) {}
 * }
 * registerClass(Money, {
 *   name: 'shop.Money',
 *   encode: ({ cents, currency }) => ({ cents, currency }),
 *   decode: ({ cents, currency }) => new Money(cents, currency),
 * });
 * const copy = defaultCodec.decode(defaultCodec.encode({ price: new Money(1_999n, 'EUR') }));
 * assert.deepEqual(copy, { price: new Money(1_999n, 'EUR') });
 */
export function registerClass<Instance extends object, Data>(
  type: RevivableClass<Instance>,
  revival: ClassRevival<Instance, Data>,
): void {
  registeredClasses.add('registerClass', type, revival as unknown as ClassRevival<object, unknown>);
}

function isKeptAnyway(prototype: object): boolean {
  if (isObjectPrototype(prototype) || errorKindOf(prototype) >= 0) return true;
  if (prototype === URL.prototype || isBuffer(prototype)) return true;
  const single = ['Array', 'Map', 'Set', 'Date', 'RegExp', 'ArrayBuffer', 'DataView'];
  if (single.some((name) => isIntrinsicPrototype(prototype, name, 1))) return true;
  return viewKinds.some((name) => isIntrinsicPrototype(prototype, name, 2));
}

function isClass(value: unknown): boolean {
  if (typeof value !== 'function' || types.isProxy(value)) return false;
  const prototype: unknown = value.prototype;
  return typeof prototype === 'object' && prototype !== null && !types.isProxy(prototype);
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
