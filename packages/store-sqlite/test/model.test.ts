import { describe, expect, it } from '@jest/globals';
import type { SqliteStore } from '@reprise/store-sqlite';
import { manualClock, seededRandom } from '@reprise/store-testkit';
import { endOfTick, makeFilename, open } from './places.ts';

interface Kept {
  readonly value: number;
  readonly tags: readonly string[];
  readonly end: number;
}

interface Run {
  readonly generation: string;
  /** How many invalidations there had been. */
  readonly began: number;
}

type Covers = (namespace: string, key: string, tags: readonly string[]) => boolean;

/** What the contract says of a file, in a few lines. */
class Model {
  readonly entries = new Map<string, Map<string, Kept>>();
  readonly invalidations: Covers[] = [];

  of(namespace: string): Map<string, Kept> {
    const kept = this.entries.get(namespace) ?? new Map<string, Kept>();
    this.entries.set(namespace, kept);
    return kept;
  }

  invalidate(covers: Covers): void {
    this.invalidations.push(covers);
    for (const [namespace, kept] of this.entries) {
      for (const [key, { tags }] of [...kept]) if (covers(namespace, key, tags)) kept.delete(key);
    }
  }

  isVoid(began: number, namespace: string, key: string, tags: readonly string[]): boolean {
    return this.invalidations.slice(began).some((covers) => covers(namespace, key, tags));
  }
}

const namespaces = ['', 'a', 'a:', '\ud83c'];
const keys = ['', 'a', 'ab', 'abc', 'b', 'b\0', 'b\0c', '\udf88', '\udf88x', 'é', '🎈', '🎈🎈', '%', '_'];
const tags = ['t', 'u', '', '\ud800', 'a\0'];

describe('whatever is done to it in whatever order', () => {
  it.each([1, 2, 3])('a store behaves as the model of the contract does: round %i', async (round) => {
    const first = Number(process.env['REPRISE_SEED'] ?? Date.now() % 100_000);
    const seed = first + round;
    const random = seededRandom(seed);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
    const clock = manualClock(1_000_000);
    const filename = makeFilename();
    const model = new Model();
    // Two of one namespace, as two processes have them.
    let stores = [...namespaces, 'a'].map((namespace) => ({ namespace, store: open(filename, { namespace, clock }) }));
    const runs: Run[] = [];
    const history: string[] = [];
    const livingOf = (namespace: string): [string, Kept][] =>
      [...model.of(namespace)].filter(([, { end }]) => end > clock.now());

    for (let step = 0; step < 600; step++) {
      const { namespace, store } = pick(stores);
      const kept = model.of(namespace);
      const key = pick(keys);
      const labels = tags.filter(() => random() < 0.3);
      const ttl = pick([10, 1_000, Infinity]);
      const entry = {
        value: step,
        createdAt: clock.now(),
        expiresAt: clock.now() + ttl,
        staleUntil: clock.now() + ttl,
        ...(labels.length > 0 && { tags: labels }),
      };
      const note = (what: string): void => void history.push(`${step}. ${JSON.stringify(namespace)} ${what}`);
      const tell = (): string => `REPRISE_SEED=${first}\n${history.slice(-25).join('\n')}`;
      const check = (found: unknown, expected: unknown): void =>
        expect([found, tell()]).toEqual([expected, expect.anything()]);
      const choice = random();
      if (choice < 0.2) runs.push({ generation: store.generation(), began: model.invalidations.length });
      else if (choice < 0.5 && runs.length > 0) {
        const run = random() < 0.6 ? (runs.at(-1) as Run) : pick(runs);
        const isVoid = model.isVoid(run.began, namespace, key, labels);
        note(`result ${JSON.stringify(key)} ${JSON.stringify(labels)} of ${run.began}, ${isVoid ? 'void' : 'kept'}`);
        check(store.set(key, { ...entry, generation: run.generation }), !isVoid);
        if (!isVoid) kept.set(key, { value: step, tags: labels, end: entry.staleUntil });
        check(store.get(key)?.value, livingOf(namespace).find(([name]) => name === key)?.[1].value);
        // Others see it at the end of the tick.
        await endOfTick();
      } else if (choice < 0.6) {
        note(`set ${JSON.stringify(key)} ${JSON.stringify(labels)}`);
        store.set(key, entry);
        model.invalidate((where, name) => where === namespace && name === key);
        kept.set(key, { value: step, tags: labels, end: entry.staleUntil });
      } else if (choice < 0.7) {
        note(`delete ${JSON.stringify(key)}`);
        const isThere = livingOf(namespace).some(([name]) => name === key);
        check(store.delete(key), isThere);
        model.invalidate((where, name) => where === namespace && name === key);
      } else if (choice < 0.74) {
        const prefix = random() < 0.1 ? '' : key;
        note(`clear ${JSON.stringify(prefix)}`);
        store.clear(prefix);
        model.invalidate((where, name) => where === namespace && name.startsWith(prefix));
      } else if (choice < 0.8) {
        note(`invalidateTags ${JSON.stringify(labels)}`);
        store.invalidateTags(labels);
        model.invalidate((_where, _name, own) => own.some((tag) => labels.includes(tag)));
      } else if (choice < 0.84) clock.advance(pick([5, 100]));
      else if (choice < 0.87) {
        note('prune');
        const ended = [...model.entries.values()].flatMap((all) =>
          [...all].filter(([, { end }]) => end <= clock.now()).map(([name]) => all.delete(name)),
        );
        check(store.prune(), ended.length);
      } else if (choice < 0.89) {
        note('reopen');
        for (const { store: old } of stores) old.close();
        stores = stores.map(({ namespace: where }) => ({
          namespace: where,
          store: open(filename, { namespace: where, clock }),
        }));
      } else {
        note(`look at ${JSON.stringify(key)}`);
        check(store.get(key)?.value, livingOf(namespace).find(([name]) => name === key)?.[1].value);
        const listed = (from: SqliteStore): unknown =>
          [...from.entries(key)].map(([name, { value }]) => [name, value]).sort();
        const expected = livingOf(namespace).filter(([name]) => name.startsWith(key));
        check(listed(store), expected.map(([name, { value }]) => [name, value]).sort());
        check(store.size(key), [...kept.keys()].filter((name) => name.startsWith(key)).length);
      }
    }
    for (const { namespace, store } of stores) {
      expect([...store.entries()].map(([key]) => key).sort()).toEqual(
        livingOf(namespace)
          .map(([key]) => key)
          .sort(),
      );
    }
  });
});
