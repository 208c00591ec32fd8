import assert from 'node:assert/strict';
import type { AsyncStore, Store, Tracker } from '@reprise/store';
import type { ConformanceCase, Trial } from './case.ts';

/** What was told, as texts: `changed k`, `cleared find(`, `tags a b`, `trusted true`. */
class Told implements Tracker {
  readonly all: string[] = [];
  readonly heardAt: number[] = [];
  #look: () => void = () => {};

  changed(key: string): void {
    this.#note(`changed ${key}`);
  }

  cleared(prefix: string): void {
    this.#note(`cleared ${prefix}`);
  }

  tagsInvalidated(tags: readonly string[]): void {
    this.#note(`tags ${[...tags].sort().join(' ')}`);
  }

  trusted(isTrusted: boolean): void {
    this.#note(`trusted ${isTrusted}`);
  }

  heard(at: number): void {
    this.heardAt.push(at);
  }

  #note(text: string): void {
    this.all.push(text);
    this.#look();
  }

  /** Waits until something is told that begins anew. */
  async until(isIt: (told: readonly string[]) => boolean, what: string): Promise<void> {
    if (isIt(this.all)) return;
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`${what} was not told within 10 s; told were ${this.all.join(', ')}`)),
        10_000,
      );
      this.#look = () => {
        if (!isIt(this.all)) return;
        clearTimeout(limit);
        resolve();
      };
    });
  }
}

/** Capability `tracking`, of two stores on one place: what one changes, the other one tells. */
export const sharedTrackingCases: readonly ConformanceCase[] = [
  {
    name: 'what another store sets and deletes is told',
    run: async (trial) => {
      const { told, other } = await openTracked(trial);
      await other.set('find(1)', trial.entry('v'));
      await told.until((all) => all.includes('changed find(1)'), 'a set');
      told.all.length = 0;
      await other.delete('find(1)');
      await told.until((all) => all.includes('changed find(1)'), 'a delete');
    },
  },
  {
    name: 'what another store computes under its generation is told',
    run: async (trial) => {
      const { told, other } = await openTracked(trial);
      const generation = await other.generation?.();
      await other.set('find(1)', { ...trial.entry('v'), ...(generation !== undefined && { generation }) });
      await told.until((all) => all.includes('changed find(1)'), 'a result');
    },
  },
  ...['', 'find('].map(
    (prefix): ConformanceCase => ({
      name: `a clear(${JSON.stringify(prefix)}) of another store covers the keys that it has removed`,
      run: async (trial) => {
        const { told, other } = await openTracked(trial);
        await other.set('find(1)', trial.entry('v'));
        await told.until((all) => all.includes('changed find(1)'), 'a set');
        told.all.length = 0;
        await other.clear(prefix);
        await told.until((all) => all.some((text) => covers(text, 'find(1)')), 'a clear');
      },
    }),
  ),
  {
    name: 'labels that another store invalidates are told, where it knows labels',
    run: async (trial) => {
      const { told, other } = await openTracked(trial);
      if (other.invalidateTags === undefined) return;
      await other.set('find(1)', { ...trial.entry('v'), tags: ['a', 'b'] });
      await told.until((all) => all.includes('changed find(1)'), 'a set');
      told.all.length = 0;
      await other.invalidateTags(['b', 'c']);
      await told.until(
        (all) => all.some((text) => covers(text, 'find(1)') || /^tags .*\bb\b/.test(text)),
        'an invalidation of labels',
      );
    },
  },
  {
    name: 'its own changes are told like those of others',
    run: async (trial) => {
      const { told, store } = await openTracked(trial);
      await store.set('find(1)', trial.entry('v'));
      await store.delete('find(1)');
      await told.until((all) => all.includes('changed find(1)'), 'a change of its own');
    },
  },
  {
    name: 'it is said again and again up to when all has been told, and never of a moment to come',
    run: async (trial) => {
      const { told } = await openTracked(trial);
      const begun = performance.now();
      for (let said = told.heardAt.length, end = begun + 10_000; told.heardAt.length < said + 5; ) {
        assert(performance.now() < end, `within 10 s it was said ${told.heardAt.length} times`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert(told.heardAt.every((at, index) => at <= performance.now() && at >= (told.heardAt[index - 1] ?? 0)));
    },
  },
  {
    name: 'who has left is told no more, and leaving twice is no error',
    run: async (trial) => {
      const { told, leave, store, other } = await openTracked(trial);
      const still = new Told();
      const leaveToo = (store as AsyncStore).track?.(still);
      await still.until((all) => all.includes('trusted true'), 'trust');
      leave();
      leave();
      told.all.length = 0;
      await other.set('find(1)', trial.entry('v'));
      await still.until((all) => all.includes('changed find(1)'), 'a set');
      leaveToo?.();
      assert.deepEqual(
        told.all.filter((text) => text !== 'trusted false'),
        [],
      );
    },
  },
];

function covers(text: string, key: string): boolean {
  if (text === `changed ${key}`) return true;
  return text.startsWith('cleared ') && key.startsWith(text.slice('cleared '.length));
}

async function openTracked(
  trial: Trial,
): Promise<{ readonly store: Store; readonly other: Store; readonly told: Told; readonly leave: () => void }> {
  const store = await trial.open();
  const other = await trial.open();
  assert(!store.sync && store.track !== undefined, 'the capability tracking means that there is track()');
  const told = new Told();
  const leave = store.track(told);
  await told.until((all) => all.includes('trusted true'), 'trust');
  return { store, other, told, leave };
}
