import type { AsyncStore, Entry, Lease, SyncStore } from '@reprise/store';

/** What several processes share: entries, counters and leases, as plainly as the contract of stores has it. */
export class Ground {
  readonly entries: Map<string, Entry> = new Map();
  readonly leases: Map<string, Lease> = new Map();
  readonly #fences = new Map<string, number>();
  #epoch = 0;
  #granted = 0;
  /** Operations that fail, by name. */
  readonly broken: Set<string> = new Set();
  /** How often each operation was asked for. */
  readonly asked: Map<string, number> = new Map();

  #note(verb: string): void {
    this.asked.set(verb, (this.asked.get(verb) ?? 0) + 1);
    if (this.broken.has(verb)) throw new Error(`${verb} is broken`);
  }

  #raise(fence: string, ends: (key: string) => boolean): void {
    this.#fences.set(fence, ++this.#epoch);
    for (const key of this.leases.keys()) if (ends(key)) this.leases.delete(key);
  }

  #covers(key: string, tags: readonly string[], fence: string): boolean {
    const name = fence.slice(2);
    if (fence[0] === 'k') return name === key;
    return fence[0] === 'p' ? key.startsWith(name) : tags.includes(name);
  }

  isCurrent(key: string, generation: number | string, tags: readonly string[] = []): boolean {
    this.#note('isCurrent');
    return this.#holds(key, generation, tags);
  }

  #holds(key: string, generation: number | string, tags: readonly string[]): boolean {
    for (const [fence, epoch] of this.#fences) {
      if (this.#covers(key, tags, fence) && !(epoch <= (generation as number))) return false;
    }
    return (generation as number) <= this.#epoch;
  }

  get(key: string): Entry | undefined {
    this.#note('get');
    const entry = this.entries.get(key);
    return entry && { ...entry };
  }

  set(key: string, entry: Entry): boolean {
    this.#note('set');
    if (entry.generation === undefined) this.#raise(`k:${key}`, (other) => other === key);
    else if (!this.#holds(key, entry.generation, entry.tags ?? [])) return false;
    this.entries.set(key, { ...entry, generation: entry.generation ?? this.#epoch });
    return true;
  }

  delete(key: string): boolean {
    this.#note('delete');
    this.#raise(`k:${key}`, (other) => other === key);
    return this.entries.delete(key);
  }

  clear(prefix = ''): void {
    this.#note('clear');
    this.#raise(`p:${prefix}`, (key) => key.startsWith(prefix));
    for (const key of [...this.entries.keys()]) if (key.startsWith(prefix)) this.entries.delete(key);
  }

  invalidateTags(tags: readonly string[]): void {
    this.#note('invalidateTags');
    for (const tag of tags) this.#raise(`t:${tag}`, () => false);
    for (const [key, entry] of this.entries)
      if (entry.tags?.some((tag) => tags.includes(tag))) this.entries.delete(key);
  }

  generation(): number {
    this.#note('generation');
    return this.#epoch;
  }

  lease(key: string): Lease | undefined {
    this.#note('lease');
    if (this.leases.has(key)) return undefined;
    const lease = { key, token: `lease ${++this.#granted}`, generation: this.#epoch, duration: 30 };
    this.leases.set(key, lease);
    return lease;
  }

  renew(lease: Lease): boolean {
    this.#note('renew');
    return this.leases.get(lease.key)?.token === lease.token;
  }

  release(lease: Lease): void {
    this.#note('release');
    if (this.leases.get(lease.key)?.token === lease.token) this.leases.delete(lease.key);
  }
}

const capabilities = { fences: true, leases: true, tags: true, touch: true };

/** One process's store on the ground. */
export function syncStoreOn(ground: Ground): SyncStore {
  return {
    name: 'ground',
    sync: true,
    persistent: true,
    capabilities,
    get: (key) => ground.get(key),
    set: (key, entry) => ground.set(key, entry),
    delete: (key) => ground.delete(key),
    clear: (prefix) => ground.clear(prefix),
    invalidateTags: (tags) => ground.invalidateTags(tags),
    touch: () => {},
    generation: () => ground.generation(),
    isCurrent: (key, generation, tags) => ground.isCurrent(key, generation, tags),
    lease: (key) => ground.lease(key),
    renew: (lease) => ground.renew(lease),
    release: (lease) => ground.release(lease),
    close: () => {},
  };
}

/** The same, answering by promises. */
export function asyncStoreOn(ground: Ground): AsyncStore {
  return {
    name: 'ground',
    sync: false,
    persistent: true,
    capabilities,
    get: async (key) => ground.get(key),
    set: async (key, entry) => ground.set(key, entry),
    delete: async (key) => ground.delete(key),
    clear: async (prefix) => ground.clear(prefix),
    invalidateTags: async (tags) => ground.invalidateTags(tags),
    touch: async () => {},
    generation: async () => ground.generation(),
    isCurrent: async (key, generation, tags) => ground.isCurrent(key, generation, tags),
    lease: async (key) => ground.lease(key),
    renew: async (lease) => ground.renew(lease),
    release: async (lease) => ground.release(lease),
    close: async () => {},
  };
}
