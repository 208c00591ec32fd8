import { describe, expect, it } from '@jest/globals';
import type { DirectStore, MemoryRecord, Trace } from '@reprise/store/contract';
import { seededRandom } from '@reprise/store-testkit';
import { make, record } from './fixture.ts';

type Look = (store: DirectStore, key: unknown, trace: Trace) => MemoryRecord | undefined;

const again: Look = (store, key, trace) => store.findAgain(key, trace);

/** Changes two stores alike, and looks into one of them by traces; returns what differed first. */
function compare(seed: number, look: Look): string | undefined {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const maxSize = random() < 0.1 ? Infinity : 1 + upTo(30);
  const [traced, plain] = [make({ maxSize }), make({ maxSize })];
  const keys = Array.from({ length: 1 + upTo(40) }, (_, index) => (index % 7 === 6 ? index : `key ${index}`));
  const traces = keys.map((): Trace => ({ slot: -1, storedKey: undefined }));
  for (let step = 0; step < 300; step++) {
    const index = upTo(keys.length);
    // Equal to the key that is stored, and another object.
    const key = typeof keys[index] === 'string' ? `key ${index}` : keys[index];
    const chance = random();
    if (chance < 0.25) for (const store of [traced, plain]) store.direct.keep(key, record(step));
    else if (chance < 0.32) for (const store of [traced, plain]) store.direct.drop(key);
    else if (chance < 0.33) for (const store of [traced, plain]) store.clear();
    else if (chance < 0.34) {
      const size = 1 + upTo(30);
      for (const store of [traced, plain]) store.resize({ maxSize: size });
    } else {
      const found = look(traced.direct, key, traces[index] as Trace)?.value;
      const wanted = plain.direct.find(key)?.value;
      if (found !== wanted) return `step ${step}: ${String(key)} is ${String(found)}, not ${String(wanted)}`;
    }
    const [found, wanted] = [traced, plain].map(({ direct }) => JSON.stringify([...direct.records()]));
    if (found !== wanted) return `step ${step}: the order is ${found}, not ${wanted}`;
  }
  return undefined;
}

describe('a look that begins where the record was found last', () => {
  it('finds what a lookup finds, and marks it as used, over 500 random sequences', () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffffff);
    for (let sequence = 0; sequence < 500; sequence++) {
      const difference = compare(seed + sequence, again);
      if (difference !== undefined) throw new Error(`REPRISE_SEED=${seed + sequence}: ${difference}`);
    }
  });

  it.each<readonly [name: string, look: Look]>([
    [
      'what was found last',
      (store, key, trace) => last.get(trace) ?? last.set(trace, again(store, key, trace)).get(trace),
    ],
    ['a trace that is another key’s', (store, key) => again(store, key, shared)],
    ['a look that is no use', (store, key) => store.peek(key)],
  ])('is told from %s', (_, look) => {
    const differences = Array.from({ length: 50 }, (_unused, seed) => compare(seed, look));
    expect(differences.some((difference) => difference !== undefined)).toBe(true);
  });
});

const last = new Map<Trace, MemoryRecord | undefined>();
const shared: Trace = { slot: -1, storedKey: undefined };
