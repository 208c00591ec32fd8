import { types } from 'node:util';
import { textOfArgument } from './argument-text.ts';
import { cacheKey } from './cache-key.ts';
import { identityOf } from './identity.ts';
import { signatureOf } from './shape-match.ts';
import { kindOf } from './value-kind.ts';

/*
 * An argument as the index keeps it: one or more tokens, which never hold the caller's object.
 *
 *   a primitive, a registered symbol    itself
 *   a flat plain object                 a `ShapeToken`, then one token for each of its values
 *   any other value                     a `TextToken`: its exact text
 *   what is known by identity           an `IdentityToken`
 *
 * What kind an argument is depends on its value alone, so equal ones always take the same way.
 */

/** A value compared by its exact text. A class of its own, so that no string can be taken for it. */
export class TextToken {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The keys of a flat plain object; the tokens of its values follow, in the order of `keys`. */
export class ShapeToken {
  /** The same for the same keys in any order. */
  readonly signature: string;
  readonly keys: readonly string[];

  constructor(signature: string, keys: readonly string[]) {
    this.signature = signature;
    this.keys = keys;
  }
}

/** A function, symbol or object that is known by identity, held weakly. */
export class IdentityToken {
  readonly ref: WeakRef<WeakKey>;
  readonly text: string;

  constructor(value: WeakKey, text: string) {
    this.ref = new WeakRef(value);
    this.text = text;
  }
}

/** A call's arguments as the index keeps them: how many there are, and their tokens. */
export interface ArgumentPath {
  readonly arity: number;
  readonly tokens: unknown[];
}

/** The longest object that is compared key by key. */
const mostKeys = 16;

/**
 * Takes a snapshot of a call's arguments. Whatever the caller, or the function, changes in them later does not reach it.
 *
 * @throws KeyError when an argument cannot be read; it names the argument's index
 */
export function capturePath(args: ArrayLike<unknown>): ArgumentPath {
  const tokens: unknown[] = [];
  for (let index = 0; index < args.length; index++) pushTokens(tokens, args[index], index);
  // Even the call without arguments has a place to be at.
  if (args.length === 0) tokens.push(undefined);
  return { arity: args.length, tokens };
}

/** Whether a value stands for itself as a token. */
export function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null;
    case 'function':
      return false;
    case 'symbol':
      // The others can be held weakly, and are.
      return Symbol.keyFor(value) !== undefined;
    default:
      return true;
  }
}

function pushTokens(tokens: unknown[], value: unknown, index: number): void {
  if (isPrimitive(value)) {
    tokens.push(value);
    return;
  }
  if (typeof value !== 'object' || value === null || kindOf(value) !== 'Object' || !pushFlat(tokens, value)) {
    tokens.push(tokenOf(value, `the argument at index ${index}`));
  }
}

/** The tokens of a plain object whose values are primitives or known by identity; `false` for any other one. */
function pushFlat(tokens: unknown[], value: object): boolean {
  const keys = Object.keys(value);
  if (keys.length === 0 || keys.length > mostKeys || Object.getOwnPropertyNames(value).length !== keys.length)
    return false;
  if (Object.getOwnPropertySymbols(value).length > 0 || cacheKey in value) return false;
  const start = tokens.length;
  tokens.push(new ShapeToken(signatureOf(keys), keys));
  try {
    for (const key of keys) {
      const part = (value as Record<string, unknown>)[key];
      const token = isPrimitive(part) ? part : isKnownByIdentity(part as WeakKey) ? tokenOf(part, key) : undefined;
      if (token === undefined && part !== undefined) {
        tokens.length = start;
        return false;
      }
      tokens.push(token);
    }
    return true;
  } catch {
    // A getter threw: reading the text fails the same way, and says where.
    tokens.length = start;
    return false;
  }
}

function isKnownByIdentity(value: WeakKey): boolean {
  if (typeof value === 'symbol') return true;
  if (types.isProxy(value)) return !(cacheKey in value);
  return (typeof value === 'function' || kindOf(value) === '') && !(cacheKey in value);
}

function tokenOf(value: unknown, subject: string): TextToken | IdentityToken {
  const text = textOfArgument(value, { identity: true }, subject);
  const known = isKnownByIdentity(value as WeakKey) && text === identityOf(value as WeakKey);
  return known ? new IdentityToken(value as WeakKey, text) : new TextToken(text);
}
