import {
  type AsyncStore,
  type Clock,
  CodecError,
  type Entry,
  type Lease,
  StoreError,
  type SyncStore,
} from '@reprise/store';

/** The five operations on a `Map`, and nothing else: the least that is a store. */
export function bareStore(): SyncStore {
  const entries = new Map<string, Entry>();
  let clock: Clock = Date;
  let closed = false;
  const open = (): Map<string, Entry> => {
    if (closed) throw new StoreError('closed', { code: 'E_CLOSED' });
    return entries;
  };
  return {
    sync: true,
    useClock: (given) => {
      clock = given;
    },
    get: (key) => {
      const entry = open().get(key);
      return entry && entry.staleUntil > clock.now() ? entry : undefined;
    },
    set: (key, entry) => {
      open().set(key, entry);
    },
    delete: (key) => open().delete(key),
    clear: (prefix = '') => {
      for (const key of open().keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
    close: () => {
      closed = true;
    },
  };
}

export interface ReferenceOptions {
  readonly clock?: Clock;
  readonly namespace?: string;
  readonly maxSize?: number;
  readonly maxBytes?: number;
}

interface Kept {
  readonly bytes: string;
  readonly staleUntil: number;
  readonly idle: number | undefined;
  readonly tags: readonly string[];
  readAt: number;
}

interface Held {
  readonly token: string;
  readonly holder: object;
}

/** What a place holds. Invalidations are numbered: a fence is the number of the last one of what it is about. */
class Place {
  /** Namespace → key → entry, as text. */
  readonly namespaces = new Map<string, Map<string, Kept>>();
  readonly fences = new Map<string, number>();
  readonly leases = new Map<string, Held>();
  epoch = 0;
  tokens = 0;
}

const places = new Map<string, Place>();

/**
 * An asynchronous store with every capability that the suite has cases for, written as plainly as possible. Its methods are
 * replaced one by one by the tests that prove that the suite can fail.
 */
export class ReferenceStore implements AsyncStore {
  readonly sync = false;
  readonly name = 'reference';
  readonly persistent: boolean = true;
  readonly capabilities = {
    iteration: true,
    bounds: true,
    prune: true,
    touch: true,
    bytes: true,
    batches: true,
    fences: true,
    leases: true,
    tags: true,
  };
  readonly clock: Clock;
  maxSize: number;
  maxBytes: number;
  closed = false;
  readonly kept: Map<string, Kept>;
  readonly place: Place;
  readonly namespace: string;

  constructor(
    { clock = Date, namespace = '', maxSize = Infinity, maxBytes = Infinity }: ReferenceOptions,
    place: string,
  ) {
    this.clock = clock;
    this.maxSize = maxSize;
    this.maxBytes = maxBytes;
    this.place = places.get(place) ?? new Place();
    places.set(place, this.place);
    this.namespace = namespace;
    this.kept = this.place.namespaces.get(namespace) ?? new Map<string, Kept>();
    this.place.namespaces.set(namespace, this.kept);
  }

  async get(key: string): Promise<Entry | undefined> {
    this.check();
    const kept = this.kept.get(this.keyFor(key));
    return kept && this.lives(kept) ? decode(kept.bytes) : undefined;
  }

  async getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async set(key: string, entry: Entry): Promise<boolean> {
    this.check();
    if (entry.generation === undefined) this.invalidateKey(key);
    else if (this.isVoid(key, entry)) return false;
    this.kept.delete(this.keyFor(key));
    const { staleUntil, idle, createdAt } = entry;
    const judged = { generation: this.place.epoch, ...entry };
    const kept: Kept = { bytes: encode(judged), staleUntil, idle, tags: entry.tags ?? [], readAt: createdAt };
    if (kept.bytes.length > this.maxBytes || this.maxSize === 0) return false;
    this.kept.set(this.keyFor(key), kept);
    this.evict();
    return true;
  }

  async touch(key: string): Promise<void> {
    this.check();
    const kept = this.kept.get(this.keyFor(key));
    if (kept !== undefined) kept.readAt = this.clock.now();
  }

  async delete(key: string): Promise<boolean> {
    this.check();
    this.invalidateKey(key);
    return this.kept.delete(this.keyFor(key));
  }

  async clear(prefix = ''): Promise<void> {
    this.check();
    for (const key of [...this.kept.keys()]) if (key.startsWith(prefix)) this.kept.delete(key);
    this.fence('prefix', prefix);
    for (const id of [...this.place.leases.keys()]) {
      const [namespace, key] = JSON.parse(id) as [string, string];
      if (namespace === this.namespace && key.startsWith(prefix)) this.place.leases.delete(id);
    }
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    this.check();
    for (const tag of tags) {
      this.place.fences.set(this.idOf('tag', tag), ++this.place.epoch);
      for (const kept of this.place.namespaces.values()) {
        for (const [key, entry] of [...kept]) if (entry.tags.includes(tag)) kept.delete(key);
      }
    }
  }

  async generation(): Promise<number> {
    this.check();
    return this.place.epoch;
  }

  async isCurrent(key: string, generation: number | string, tags?: readonly string[]): Promise<boolean> {
    this.check();
    return !this.isVoid(key, { generation, ...(tags !== undefined && { tags }) });
  }

  async lease(key: string): Promise<Lease | undefined> {
    this.check();
    const id = this.leaseIdOf(key);
    if (this.place.leases.has(id)) return undefined;
    const token = `lease ${++this.place.tokens}`;
    this.place.leases.set(id, { token, holder: this });
    return { key, token, generation: this.place.epoch, duration: 5_000 };
  }

  async renew({ key, token }: Lease): Promise<boolean> {
    this.check();
    return this.place.leases.get(this.leaseIdOf(key))?.token === token;
  }

  async release(lease: Lease): Promise<void> {
    if (await this.renew(lease)) this.place.leases.delete(this.leaseIdOf(lease.key));
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const [id, { holder }] of [...this.place.leases]) if (holder === this) this.place.leases.delete(id);
  }

  /** Whether what a run computed has been invalidated since it began. */
  isVoid(key: string, { generation, tags = [] }: Pick<Entry, 'generation' | 'tags'>): boolean {
    const { epoch } = this.place;
    if (typeof generation !== 'number' || !(generation >= 0 && generation <= epoch && Number.isInteger(generation))) {
      return true;
    }
    const newer = (id: string): boolean => (this.place.fences.get(id) ?? 0) > generation;
    const prefixes = Array.from({ length: key.length + 1 }, (_, length) => key.slice(0, length));
    return (
      newer(this.idOf('key', key)) ||
      tags.some((tag) => newer(this.idOf('tag', tag))) ||
      prefixes.some((prefix) => newer(this.idOf('prefix', prefix)))
    );
  }

  invalidateKey(key: string): void {
    this.fence('key', key);
    this.place.leases.delete(this.leaseIdOf(key));
  }

  fence(kind: 'key' | 'prefix', text: string): void {
    this.place.fences.set(this.idOf(kind, text), ++this.place.epoch);
  }

  /** Labels are one space for all namespaces. */
  idOf(kind: 'key' | 'prefix' | 'tag', text: string): string {
    return JSON.stringify(kind === 'tag' ? [kind, text] : [kind, this.namespace, text]);
  }

  leaseIdOf(key: string): string {
    return JSON.stringify([this.namespace, key]);
  }

  async *entries(prefix = ''): AsyncGenerator<readonly [string, Entry]> {
    this.check();
    for (const key of [...this.kept.keys()]) {
      const kept = this.kept.get(key);
      if (kept && key.startsWith(prefix) && this.lives(kept)) yield [key, decode(kept.bytes)];
    }
  }

  async size(prefix = ''): Promise<number> {
    this.check();
    return [...this.kept.keys()].filter((key) => key.startsWith(prefix)).length;
  }

  async prune(): Promise<number> {
    this.check();
    const ended = [...this.kept].filter(([, kept]) => !this.lives(kept));
    for (const [key] of ended) this.kept.delete(key);
    return ended.length;
  }

  resize({ maxSize = this.maxSize, maxBytes = this.maxBytes }: { maxSize?: number; maxBytes?: number }): void {
    this.maxSize = maxSize;
    this.maxBytes = maxBytes;
    this.evict();
  }

  /** How a key is written; a place for mistakes. */
  keyFor(key: string): string {
    return key;
  }

  lives(kept: Kept): boolean {
    const now = this.clock.now();
    return kept.staleUntil > now && (kept.idle === undefined || kept.readAt + kept.idle > now);
  }

  evict(): void {
    const bytes = (): number => [...this.kept.values()].reduce((sum, kept) => sum + kept.bytes.length, 0);
    while (this.kept.size > this.maxSize || (this.maxBytes !== Infinity && bytes() > this.maxBytes)) {
      const [key] = [...this.kept].find(([, kept]) => !this.lives(kept)) ?? [...this.kept][0] ?? [];
      this.kept.delete(key as string);
    }
  }

  check(): void {
    if (this.closed) throw new StoreError('closed', { code: 'E_CLOSED' });
  }
}

const special: Readonly<Record<string, unknown>> = {
  undefined,
  NaN: Number.NaN,
  '-0': -0,
  Infinity,
  '-Infinity': -Infinity,
};

/** JSON with a few values more; everything else is refused. */
export function encode(entry: Entry): string {
  const write = (value: unknown): unknown => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    for (const [name, known] of Object.entries(special)) if (Object.is(value, known)) return { $: name };
    if (typeof value === 'number') return value;
    if (Array.isArray(value)) {
      if (Object.keys(value).length !== value.length) throw new CodecError('cannot keep holes');
      return value.map(write);
    }
    if (value instanceof Error) {
      const { name, message, cause } = value;
      return { $: 'error', type: value.constructor.name, name, message, cause: write(cause), own: write({ ...value }) };
    }
    if (
      typeof value !== 'object' ||
      Object.getPrototypeOf(value) !== Object.prototype ||
      '__proto__' in Object.assign(Object.create(null), value)
    ) {
      throw new CodecError(`cannot keep ${typeof value}`);
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, write(inner)]));
  };
  try {
    return JSON.stringify(write(entry));
  } catch (error) {
    throw error instanceof CodecError ? error : new CodecError('cannot keep it', { cause: error });
  }
}

export function decode(bytes: string): Entry {
  const read = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(read);
    const { $, ...rest } = value as Record<string, unknown>;
    if ($ === 'error') {
      const type = rest['type'] === 'TypeError' ? TypeError : rest['type'] === 'RangeError' ? RangeError : Error;
      const cause = read(rest['cause']);
      const error =
        cause === undefined ? new type(String(rest['message'])) : new type(String(rest['message']), { cause });
      return Object.assign(error, read(rest['own']));
    }
    if (typeof $ === 'string') return special[$];
    return Object.fromEntries(Object.entries(rest).map(([name, inner]) => [name, read(inner)]));
  };
  return read(JSON.parse(bytes)) as Entry;
}
