import { createHash } from 'node:crypto';

/** Any text as bytes: no two texts have the same, and the beginning of a text has the beginning of its bytes. */
export function toBytes(text: string): Buffer {
  if (!/[\ud800-\udfff]/.test(text)) return Buffer.from(text, 'utf8');
  // Each half of a pair for itself (CESU-8): a prefix may end between the two, and one alone has no UTF-8.
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return Buffer.from(bytes);
}

/** The text of bytes that {@link toBytes} has made; `undefined` for any others. */
function fromBytes(bytes: Buffer): string | undefined {
  let text = '';
  let isWide = false;
  for (const byte of bytes) isWide ||= byte === 0xed;
  if (!isWide) text = bytes.toString('utf8');
  else {
    const units: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const byte = bytes[at] as number;
      const size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : 3;
      let unit = size === 1 ? byte : size === 2 ? byte & 0x1f : byte & 0x0f;
      for (let next = 1; next < size; next++) unit = (unit << 6) | ((bytes[at + next] ?? 0) & 0x3f);
      units.push(String.fromCharCode(unit));
      at += size;
    }
    text = units.join('');
  }
  return toBytes(text).equals(bytes) ? text : undefined;
}

/** Up to so many bytes a key or a tag stands for itself among the fences. */
const shortMember = 48;

/** What stands for a key or a tag among the fences. Two with the same would only be invalidated together. */
export function toMember(kind: 'k' | 't', bytes: Buffer): Buffer {
  if (bytes.length <= shortMember) return Buffer.concat([Buffer.from(`${kind}=`), bytes]);
  return Buffer.concat([Buffer.from(`${kind}#`), createHash('sha256').update(bytes).digest()]);
}

/** The tag that a member of the fences stands for; `undefined` for a long one. */
export function tagOf(member: Buffer): string | undefined {
  return member.toString('latin1', 0, 2) === 't=' ? fromBytes(member.subarray(2)) : undefined;
}

/**
 * The keys of one store. All that begin with `{<prefix>}:` are of one place, which on a cluster is in one slot; what is
 * common to the place has one letter, an entry is `{<prefix>}:e:<namespace>:<key>`. A namespace is encoded so that it
 * holds no `:`: none is the beginning of another one's keys.
 */
export class KeySpace {
  readonly state: Buffer;
  readonly stateText: string;
  readonly keyFences: Buffer;
  readonly prefixFences: Buffer;
  readonly tagFences: Buffer;
  /** These four, in the order in which scripts take them. */
  readonly shared: readonly Buffer[];
  readonly #base: string;
  readonly #namespace: string;

  constructor(prefix: string, namespace: string) {
    this.#base = `{${prefix}}:`;
    this.#namespace = `${namespace.replace(/[^A-Za-z0-9._/-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}:`;
    this.stateText = `${this.#base}s`;
    this.state = this.#own('s');
    this.keyFences = this.#own('k');
    this.prefixFences = this.#own('p');
    this.tagFences = this.#own('t');
    this.shared = [this.state, this.keyFences, this.prefixFences, this.tagFences];
  }

  /** What all names begin with whose changes matter to who keeps entries elsewhere. */
  get tracked(): readonly Buffer[] {
    return [this.#own('e:'), this.state, this.tagFences];
  }

  /** Whether a name is that of the state, or of the fences of tags. */
  isCounter(name: Buffer): boolean {
    return name.equals(this.state) || name.equals(this.tagFences);
  }

  /** Whether it is that of an entry, of whatever namespace. */
  isEntry(name: Buffer): boolean {
    return name.subarray(0, Buffer.byteLength(this.#base) + 2).equals(this.#own('e:'));
  }

  /** What keys of this namespace begin with that have such an id; `undefined` for none. */
  prefixOf(idPrefix: Buffer): string | undefined {
    const own = this.id('');
    if (own.subarray(0, idPrefix.length).equals(idPrefix)) return '';
    if (!idPrefix.subarray(0, own.length).equals(own)) return undefined;
    // Where it ends within a character: a little more than that is not too much.
    return fromBytes(idPrefix.subarray(own.length)) ?? '';
  }

  /** What an entry's key is within the place: its namespace and its key. */
  id(key: string): Buffer {
    return toBytes(this.#namespace + key);
  }

  entry(id: Buffer): Buffer {
    return Buffer.concat([this.#own('e:'), id]);
  }

  /** The key of an entry as commands take it: a text where that will do, which clients send faster. */
  entryArgument(key: string): string | Buffer {
    return /[\ud800-\udfff]/.test(key) ? this.entry(this.id(key)) : this.envelopeKey(key);
  }

  lease(id: Buffer): Buffer {
    return Buffer.concat([this.#own('l:'), id]);
  }

  /** Where it is noted that an operation has been done, in case it is sent a second time. */
  done(token: string): Buffer {
    return this.#own(`o:${token}`);
  }

  /** What an envelope is bound to. */
  envelopeKey(key: string): string {
    return `${this.#base}e:${this.#namespace}${key}`;
  }

  idOf(entry: Buffer): Buffer {
    return entry.subarray(Buffer.byteLength(this.#base) + 2);
  }

  /** The key of an entry of this namespace; `undefined` for all others. */
  keyOf(entry: Buffer): string | undefined {
    const text = fromBytes(this.idOf(entry));
    return text?.startsWith(this.#namespace) ? text.slice(this.#namespace.length) : undefined;
  }

  /** A pattern for SCAN that the entries match whose id begins so; none: those of every namespace. */
  pattern(idPrefix?: Buffer): Buffer {
    const bytes: number[] = [];
    for (const byte of Buffer.concat([this.#own('e:'), idPrefix ?? Buffer.alloc(0)])) {
      // * ? [ ] \ ^ -
      if ([0x2a, 0x3f, 0x5b, 0x5d, 0x5c, 0x5e, 0x2d].includes(byte)) bytes.push(0x5c);
      bytes.push(byte);
    }
    return Buffer.from([...bytes, 0x2a]);
  }

  #own(rest: string): Buffer {
    return Buffer.from(this.#base + rest);
  }
}
