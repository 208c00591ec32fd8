import { describe, expect, it } from '@jest/globals';
import { type Entry, memoryEpoch } from '@reprise/store';
import { type CheckedStore, checkedStore, type ManualClock, manualClock, seededRandom } from '@reprise/store-testkit';
import { type MemoryStore, memoryStore } from '../src/index.ts';

interface Kept {
  readonly key: string;
  readonly entry: Entry;
  readonly size: number;
}

/**
 * The same store as an array, the most recently used last; as slow as it is plain. Without a bound a get is no use: who goes
 * first is not known before there is one.
 */
class Model {
  kept: Kept[] = [];
  readonly evicted: string[] = [];
  readonly clock: ManualClock;
  maxSize: number;
  maxBytes: number;

  constructor(clock: ManualClock, maxSize: number, maxBytes: number) {
    this.clock = clock;
    this.maxSize = maxSize;
    this.maxBytes = maxBytes;
  }

  get(key: string): Entry | undefined {
    if (this.maxSize === Infinity && this.maxBytes === Infinity) {
      const here = this.kept.find((kept) => kept.key === key);
      if (here !== undefined && this.lives(here)) return here.entry;
    }
    const found = this.take(key);
    if (found === undefined) return undefined;
    if (!this.lives(found)) return undefined;
    this.kept.push(found);
    return found.entry;
  }

  set(key: string, entry: Entry): boolean {
    const size = Number((entry.value as { size: number }).size);
    const kept = { key, entry, size };
    if (!this.lives(kept) || size > this.maxBytes || this.maxSize === 0) {
      this.take(key);
      return false;
    }
    if (this.maxBytes !== Infinity) this.take(key);
    while (this.bytes() + size > this.maxBytes) this.makeRoom();
    if (!this.kept.some((other) => other.key === key) && this.kept.length >= this.maxSize) this.makeRoom();
    this.take(key);
    this.kept.push(kept);
    return true;
  }

  delete(key: string): boolean {
    const found = this.take(key);
    return found !== undefined && this.lives(found);
  }

  clear(prefix: string): void {
    this.kept = this.kept.filter(({ key }) => !key.startsWith(prefix));
  }

  prune(): void {
    this.kept = this.kept.filter((kept) => this.lives(kept));
  }

  resize(maxSize: number): void {
    this.maxSize = maxSize;
    if (this.kept.length > maxSize) this.prune();
    while (this.kept.length > maxSize) this.makeRoom();
  }

  living(): string[] {
    return this.kept.filter((kept) => this.lives(kept)).map(({ key }) => key);
  }

  bytes(): number {
    return this.kept.reduce((sum, { size }) => sum + size, 0);
  }

  private makeRoom(): void {
    const ended = this.kept.find((kept) => !this.lives(kept));
    const { key } = ended ?? (this.kept[0] as Kept);
    if (!ended) this.evicted.push(key);
    this.take(key);
  }

  private take(key: string): Kept | undefined {
    const index = this.kept.findIndex((kept) => kept.key === key);
    return index === -1 ? undefined : this.kept.splice(index, 1)[0];
  }

  private lives({ entry }: Kept): boolean {
    return entry.staleUntil > this.clock.now();
  }
}

/** Runs random operations on both; returns what differed first, with the operations that led there. */
function compare(
  seed: number,
  makeStore: (clock: ManualClock, maxSize: number, maxBytes: number) => CheckedStore<MemoryStore>,
): string | undefined {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const clock = manualClock(memoryEpoch + upTo(1_000));
  // Some large enough to make the store grow; the largest without ends, as beyond 100 entries the search may give up.
  const endless = random() < 0.005;
  const scale = endless ? 30 : random() < 0.04 ? 6 : 1;
  const maxSize = random() < 0.2 ? Infinity : upTo(12 * scale);
  const maxBytes = random() < 0.5 ? Infinity : 1 + upTo(12);
  const keys = Array.from({ length: 1 + upTo(16 * scale) }, (_, index) => `${'ab'[index % 2]}${index}`);
  const model = new Model(clock, maxSize, maxBytes);
  const store = makeStore(clock, maxSize, maxBytes);
  const evicted: unknown[] = [];
  store.listen({ removed: (key, cause) => cause === 'evict' && evicted.push(key) });
  const history: string[] = [`maxSize ${maxSize}, maxBytes ${maxBytes}`];
  const differ = (name: string, actual: unknown, expected: unknown): string | undefined => {
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    return found === wanted ? undefined : `${name}: ${found}, not ${wanted}, after\n${history.join('\n')}`;
  };
  for (let step = 0; step < 40 * scale; step++) {
    const key = keys[upTo(keys.length)] as string;
    const chance = random();
    let difference: string | undefined;
    if (chance < 0.4) {
      const ttl = endless || random() < 0.3 ? Infinity : upTo(50);
      const end = clock.now() + ttl;
      const stale = random() < 0.2 ? end + upTo(30) : end;
      const entry: Entry = {
        value: { step, size: upTo(5) },
        createdAt: clock.now(),
        expiresAt: end,
        staleUntil: stale,
      };
      history.push(`set ${key} of size ${(entry.value as { size: number }).size} for ${stale - clock.now()}`);
      difference = differ('set', store.set(key, entry), model.set(key, entry));
    } else if (chance < 0.65) {
      history.push(`get ${key}`);
      difference = differ('get', store.get(key)?.value, model.get(key)?.value);
    } else if (chance < 0.75) {
      history.push(`delete ${key}`);
      difference = differ('delete', store.delete(key), model.delete(key));
    } else if (chance < 0.78) {
      const prefix = ['a', 'b', key, ''][upTo(4)] as string;
      history.push(`clear ${prefix}`);
      difference = differ('clear', store.clear(prefix), model.clear(prefix));
    } else if (chance < 0.82) {
      history.push('prune');
      const before = store.size();
      model.prune();
      difference =
        differ('prune', before - store.prune(), model.kept.length) ?? differ('pruned', store.size(), model.kept.length);
    } else if (chance < 0.86) {
      const size = upTo(12 * scale);
      history.push(`resize ${size}`);
      difference = differ('resize', store.resize({ maxSize: size }), model.resize(size));
    } else {
      history.push('advance');
      clock.advance(upTo(20));
    }
    // Which of several expired entries goes for another is left open; that one goes before any that lives is not.
    const living = model.living().sort();
    const size = store.size();
    difference ??=
      differ('entries', [...store.entries()].map(([listed]) => listed).sort(), living) ??
      differ('within bounds', size >= living.length && size <= model.maxSize, true) ??
      differ('evictions', evicted, model.evicted);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

const makeStore = (clock: ManualClock, maxSize: number, maxBytes: number): MemoryStore =>
  memoryStore({
    clock,
    maxSize,
    ...(maxBytes !== Infinity && { maxBytes, sizeOf: (value: { size: number }) => value.size }),
  });

describe('the memory store', () => {
  it('does what an array would do, over 3,000 random sequences', () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffffff);
    for (let sequence = 0; sequence < 3_000; sequence++) {
      const difference = compare(seed + sequence, makeStore);
      if (difference !== undefined) throw new Error(`REPRISE_SEED=${seed + sequence}: ${difference}`);
    }
  });

  it('breaks no invariant of a store under watch, over 300 random sequences', () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffffff);
    for (let sequence = 0; sequence < 300; sequence++) {
      const difference = compare(seed + sequence, (clock, maxSize, maxBytes) =>
        checkedStore(makeStore(clock, maxSize, maxBytes), { clock, maxSize }),
      );
      if (difference !== undefined) throw new Error(`REPRISE_SEED=${seed + sequence}: ${difference}`);
    }
  });
});

describe('the comparison itself', () => {
  const mistakes: readonly (readonly [
    name: string,
    spoil: (store: MemoryStore, clock: ManualClock) => Partial<MemoryStore>,
  ])[] = [
    ['a get that is no use', (store) => ({ get: (key) => new Map(store.entries()).get(key) })],
    [
      'a set that is kept beyond its end',
      (store) => ({ set: (key, entry) => store.set(key, { ...entry, staleUntil: entry.staleUntil + 1 }) }),
    ],
    ['a delete that does nothing', () => ({ delete: () => true })],
    ['a clear that takes all', (store) => ({ clear: () => store.clear() })],
    ['a prune that counts one too many', (store) => ({ prune: () => store.prune() + 1 })],
    ['a resize that is forgotten', () => ({ resize: () => {} })],
    [
      'a bound that is one too high',
      (store) => ({ resize: ({ maxSize = 0 }) => store.resize({ maxSize: maxSize + 1 }) }),
    ],
  ];

  it.each(mistakes)('finds %s', (_, spoil) => {
    const found = Array.from({ length: 200 }, (_unused, seed) =>
      compare(seed, (clock, maxSize, maxBytes) => {
        const store = makeStore(clock, maxSize, maxBytes);
        const bound = Object.fromEntries(
          (['get', 'set', 'delete', 'clear', 'prune', 'resize', 'size', 'entries', 'listen', 'close'] as const).map(
            (name) => [name, store[name].bind(store)],
          ),
        );
        return { ...bound, ...spoil(store, clock) } as MemoryStore;
      }),
    );
    expect(found.filter((difference) => difference !== undefined).length).toBeGreaterThan(0);
  });
});
