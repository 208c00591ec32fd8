import { digestOf } from './digest.ts';

/** What tells one call from all others in a cache, in text. */
export interface KeyTextParts {
  /** The function's name, as the user knows it. */
  readonly name: string;
  /** The function's `version`, if it has one. */
  readonly version?: string | undefined;
  /** The text of what `per` made of `this`, as `textOfArgument` writes it, or an identity. */
  readonly part?: string | undefined;
  /** The text of the arguments, as `textOfArguments` writes it. */
  readonly args: string;
}

/** A key as a store takes it. */
export interface BoundKey {
  /** At most {@link maxKeyBytes} bytes of UTF-8. */
  readonly key: string;
  /** The whole key where `key` is only its head and hash: the entry carries it, and a read compares it. */
  readonly full: string | undefined;
}

/** The longest key that a store is given, in bytes of UTF-8, namespace included. */
export const maxKeyBytes = 250;

/*
 * The longest encoded namespace, name and version. Together with the three signs between them they fit into the head of
 * a hashed key, so that everything of one namespace, and of one function, shares a prefix however long its keys are.
 */
const maxNamespaceBytes = 64;
const maxNameBytes = 88;
const maxVersionBytes = 48;

const hashLength = 43;

// Made when first used: reading the tables of Unicode takes as long as loading several files.
let special: RegExp | undefined;
let everySpecial: RegExp | undefined;
let everyUnusual: RegExp | undefined;

/**
 * A name as it stands in a key: `% < > ( ) @ # / "`, controls and lone surrogates percent-encoded, the rest readable, so
 * `get /users` is `get %2Fusers`. Different names differ. One longer than `maxBytes` is cut and ends in `~` and its SHA-256.
 */
export function encodeName(name: string, maxBytes: number = maxNameBytes): string {
  special ??= /[%<>()@#/"\p{Cc}\p{Cs}]/u;
  if (!special.test(name)) return boundText(name, maxBytes);
  everySpecial ??= new RegExp(special, 'gu');
  return boundText(name.replace(everySpecial, encodeCharacter), maxBytes);
}

/**
 * A name for people to read beside an identity's number: only letters, digits, `_`, `$` and percent signs, so that it
 * cannot be taken for anything else in a key. Cut at 64 characters; the number tells apart.
 */
export function encodeLabel(name: string): string {
  everyUnusual ??= /[^\p{ID_Continue}$]/gu;
  return name.slice(0, 64).replace(everyUnusual, encodeCharacter);
}

/**
 * The key of one call: `name@version<part>(args)`, as in `Users.find("42")` or `Users.plan@2<"acme">()`. Every key of a
 * function begins with its encoded name and one of `@ < (`, which no encoded name contains.
 */
export function keyText({ name, version, part, args }: KeyTextParts): string {
  let text = encodeName(name);
  if (version !== undefined) text += `@${encodeName(version, maxVersionBytes)}`;
  if (part !== undefined) text += `<${part}>`;
  return `${text}(${args})`;
}

/**
 * What every stored key of a namespace begins with, and no key of another one: the encoded name and `/`. The empty namespace
 * has no prefix; its keys begin with a function's name, which holds no `/`.
 */
export function namespacePrefix(namespace: string): string {
  return namespace === '' ? '' : `${encodeName(namespace, maxNamespaceBytes)}/`;
}

/**
 * The key under which a store keeps what `text` names in `namespace`. Beyond {@link maxKeyBytes} bytes it is a readable
 * head, `~` and the SHA-256 of the whole in base64url, and `full` is the whole.
 *
 * Different pairs of namespace and text have different keys: a text that happens to end like a hashed one is hashed too.
 * That holds for texts that {@link keyText} made: they begin with an encoded name, and have no lone surrogates, for which UTF-8
 * has one replacement.
 */
export function boundKey(namespace: string, text: string): BoundKey {
  const whole = namespacePrefix(namespace) + text;
  const key = boundText(whole, maxKeyBytes);
  return { key, full: key === whole ? undefined : whole };
}

/** The beginning of a key as far as a hashed key keeps it: to clear by it clears no less than was asked for. */
export function safePrefix(prefix: string): string {
  const head = maxKeyBytes - hashLength - 1;
  return Buffer.byteLength(prefix) <= head ? prefix : headOf(prefix, head);
}

/** At most `maxBytes` of UTF-8, one to one as far as SHA-256 is: what is left whole never looks like what was hashed. */
function boundText(text: string, maxBytes: number): string {
  if (fits(text, maxBytes) && !looksHashed(text)) return text;
  return `${headOf(text, maxBytes - hashLength - 1)}~${digestOf(text)}`;
}

function fits(text: string, maxBytes: number): boolean {
  // A UTF-16 code unit takes one to three bytes.
  return text.length * 3 <= maxBytes || (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes);
}

function looksHashed(text: string): boolean {
  const tilde = text.length - hashLength - 1;
  return text.charCodeAt(tilde) === 0x7e && /^[\w-]+$/.test(text.slice(tilde + 1));
}

/** As many whole characters as fit into `bytes`. */
function headOf(text: string, bytes: number): string {
  const encoded = Buffer.from(text.slice(0, bytes));
  let end = Math.min(bytes, encoded.length);
  // A byte 10xxxxxx continues the character before it.
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}

/** `%2F`, or `%u` and four digits beyond the first 256, which no `%` and two hexadecimal digits can be. */
function encodeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16).toUpperCase();
  return code < 0x100 ? `%${digits.padStart(2, '0')}` : `%u${digits.padStart(4, '0')}`;
}
