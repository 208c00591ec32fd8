import { makeDigest } from './digest.ts';
import type { FenceRecord, Grant, Head, Position } from './fence-record.ts';

/** Longer names of keys are known by their digest. */
const longestName = 200;
/** More names than this are not carried into the next log: the older half is given up. */
const mostNames = 100_000;
/** After a restart of the machine, positions go on so much later: what it lost of the log is not taken for what follows. */
const restartGap = 2 ** 36;
const mostGaps = 64;

interface Space {
  readonly keys: Map<string, Position>;
  /** By their length, so that a key is looked up a few times only. */
  readonly prefixes: Map<number, Map<string, Position>>;
}

/** A lease as the log has it. */
export interface LeaseState extends Grant {
  readonly namespace: string;
  readonly key: string;
  readonly at: Position;
}

/** What a generation is compared with: the last position of each name that was invalidated. */
export class FenceState {
  readonly chain: string;
  readonly #boot: string;
  #floor: Position;
  #refused: Position;
  readonly #gaps: Position[];
  /** All before it is known. */
  end: Position;
  readonly #spaces = new Map<string, Space>();
  readonly #tags = new Map<string, Position>();
  readonly #leases = new Map<string, LeaseState>();
  #names = 0;

  constructor({ chain, boot, floor, refused, gaps, base }: Head) {
    this.chain = chain;
    this.#boot = boot;
    this.#floor = floor;
    this.#refused = refused;
    this.#gaps = [...gaps];
    this.end = base;
  }

  /** How many names it knows. */
  get names(): number {
    return this.#names;
  }

  /** What a run that begins now carries. */
  get generation(): string {
    return this.format(this.end);
  }

  format(position: Position): string {
    return `${this.chain}:${position}`;
  }

  /** Whether the machine has been started anew since the log began. */
  isOfBoot(boot: string): boolean {
    return this.#boot === '' || boot === '' || this.#boot === boot;
  }

  apply(record: FenceRecord, at: Position): void {
    switch (record[0]) {
      case 'key':
        this.#note(this.#spaceOf(record[1]).keys, record[2], record[3] ?? at);
        this.#leases.delete(placeOf(record[1], record[2]));
        return;
      case 'prefix':
        this.#applyPrefix(record[1], record[2], record[3] ?? at);
        return;
      case 'tags':
        for (const tag of record[1]) this.#note(this.#tags, tag, record[2] ?? at);
        return;
      case 'lease':
        this.#applyLease(record, at);
        return;
      case 'renew': {
        const lease = this.leaseOf(record[1], record[2]);
        if (lease?.token !== record[3]) return;
        this.#leases.set(placeOf(record[1], nameOf(record[2])), { ...lease, until: record[4] });
        return;
      }
      case 'release':
        if (this.leaseOf(record[1], record[2])?.token !== record[3]) return;
        this.#leases.delete(placeOf(record[1], nameOf(record[2])));
        return;
      case 'refuse':
        this.#refused = Math.max(this.#refused, record[1]);
        return;
      case 'settled':
        this.#dropAll(record[1]);
        return;
      default:
    }
  }

  /** Something between the records could not be read: whatever is older is void. */
  raiseFloor(to: Position): void {
    this.#floor = Math.max(this.#floor, to);
    this.#leases.clear();
  }

  /** The position in a generation that may be believed; `undefined`: it is void, whatever it is for. */
  positionOf(generation: unknown): Position | undefined {
    if (typeof generation !== 'string' || !generation.startsWith(`${this.chain}:`)) return undefined;
    const position = Number(generation.slice(this.chain.length + 1));
    // Nothing but what was given: not with a space behind it, not in another notation.
    if (this.format(position) !== generation) return undefined;
    if (!(position >= this.#floor && position <= this.end)) return undefined;
    for (let index = 0; index < this.#gaps.length; index += 2) {
      if (position > (this.#gaps[index] as number) && position < (this.#gaps[index + 1] as number)) return undefined;
    }
    return position;
  }

  /** Whether a generation is one of this log, but from after its end: the log has lost what it had. */
  isBeyond(generation: unknown): boolean {
    if (typeof generation !== 'string' || !generation.startsWith(`${this.chain}:`)) return false;
    return Number(generation.slice(this.chain.length + 1)) > this.end;
  }

  /** Whether something that covers an entry has been invalidated since its generation. */
  isVoid(namespace: string, key: string, tags: readonly string[] | undefined, generation: unknown): boolean {
    const position = this.positionOf(generation);
    return position === undefined || this.lastOf(namespace, key, tags) > position;
  }

  /** The same for what is yet to be written: names that are so old may not be known any more. */
  refuses(namespace: string, key: string, tags: readonly string[] | undefined, generation: unknown): boolean {
    const position = this.positionOf(generation);
    return position === undefined || position < this.#refused || this.lastOf(namespace, key, tags) > position;
  }

  leaseOf(namespace: string, key: string): LeaseState | undefined {
    return this.#leases.get(placeOf(namespace, nameOf(key)));
  }

  /** The position up to which the older half of the names stands. */
  middle(): Position {
    const all = this.#positions();
    return all[all.length >> 1] ?? this.end;
  }

  /** The same knowledge as a table for the next log. */
  *compact(boot: string, now: number): Generator<FenceRecord> {
    if (this.#names > mostNames) this.#giveUp(this.middle());
    let base = this.end;
    if (!this.isOfBoot(boot)) {
      base += restartGap;
      this.#gaps.push(this.end, base);
      if (this.#gaps.length > 2 * mostGaps) this.raiseFloor(this.#gaps.splice(0, 2)[1] as number);
    }
    const { chain } = this;
    const gaps = this.#gaps;
    yield ['head', { version: 1, chain, base, floor: this.#floor, refused: this.#refused, boot, gaps }];
    for (const [namespace, { keys, prefixes }] of this.#spaces) {
      for (const [name, at] of keys) yield ['key', namespace, name, at];
      for (const group of prefixes.values()) for (const [prefix, at] of group) yield ['prefix', namespace, prefix, at];
    }
    for (const [tag, at] of this.#tags) yield ['tags', [tag], at];
    for (const { namespace, key, at, token, until, holder } of this.#leases.values()) {
      if (until > now) yield ['lease', namespace, key, { token, until, holder }, '', at];
    }
    yield ['body'];
  }

  /** The last position of whatever covers an entry; 0: nothing does. */
  lastOf(namespace: string, key: string, tags?: readonly string[]): Position {
    let last = 0;
    const space = this.#spaces.get(namespace);
    if (space !== undefined) {
      last = space.keys.get(nameOf(key)) ?? 0;
      for (const [length, group] of space.prefixes) {
        if (length <= key.length) last = Math.max(last, group.get(key.slice(0, length)) ?? 0);
      }
    }
    return Math.max(last, this.lastOfTags(tags));
  }

  lastOfTags(tags: readonly string[] = []): Position {
    let last = 0;
    for (const tag of tags) last = Math.max(last, this.#tags.get(tag) ?? 0);
    return last;
  }

  #applyPrefix(namespace: string, prefix: string, at: Position): void {
    const { keys, prefixes } = this.#spaceOf(namespace);
    if (prefix === '') {
      // It covers all that was known of the namespace.
      this.#drop(keys, at);
      for (const group of prefixes.values()) this.#drop(group, at);
      for (const [length, group] of prefixes) if (group.size === 0) prefixes.delete(length);
    }
    let group = prefixes.get(prefix.length);
    if (group === undefined) {
      group = new Map();
      prefixes.set(prefix.length, group);
    }
    this.#note(group, prefix, at);
    for (const [place, lease] of this.#leases) {
      if (lease.namespace === namespace && lease.key.startsWith(prefix)) this.#leases.delete(place);
    }
  }

  #applyLease(record: Extract<FenceRecord, readonly ['lease', ...unknown[]]>, at: Position): void {
    const [, namespace, key, grant, replaced, made] = record;
    if (replaced !== versionOf(this.leaseOf(namespace, key))) return;
    this.#leases.set(placeOf(namespace, nameOf(key)), { ...grant, namespace, key, at: made ?? at });
  }

  #giveUp(upTo: Position): void {
    this.#floor = Math.max(this.#floor, upTo);
    this.#dropAll(upTo);
  }

  #dropAll(upTo: Position): void {
    for (const { keys, prefixes } of this.#spaces.values()) {
      this.#drop(keys, upTo);
      for (const [length, group] of prefixes) {
        this.#drop(group, upTo);
        if (group.size === 0) prefixes.delete(length);
      }
    }
    this.#drop(this.#tags, upTo);
  }

  #drop(names: Map<string, Position>, upTo: Position): void {
    for (const [name, at] of names) {
      if (at > upTo) continue;
      names.delete(name);
      this.#names--;
    }
  }

  #note(names: Map<string, Position>, name: string, at: Position): void {
    const before = names.get(name);
    if (before === undefined) this.#names++;
    if (before === undefined || before < at) names.set(name, at);
  }

  #positions(): Position[] {
    const all = [...this.#tags.values()];
    for (const { keys, prefixes } of this.#spaces.values()) {
      for (const at of keys.values()) all.push(at);
      for (const group of prefixes.values()) for (const at of group.values()) all.push(at);
    }
    return all.sort((one, other) => one - other);
  }

  #spaceOf(namespace: string): Space {
    let space = this.#spaces.get(namespace);
    if (space === undefined) {
      space = { keys: new Map(), prefixes: new Map() };
      this.#spaces.set(namespace, space);
    }
    return space;
  }
}

/** What a lease is replaced by: not by who judged it before it was renewed. */
export function versionOf(lease: LeaseState | undefined): string {
  return lease === undefined ? '' : `${lease.token} ${lease.until}`;
}

/** A key as the log names it. */
export function nameOf(key: string): string {
  return key.length > longestName ? `#${makeDigest(key)}` : key;
}

function placeOf(namespace: string, name: string): string {
  return `${namespace.length}:${namespace}${name}`;
}
