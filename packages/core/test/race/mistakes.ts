import { StoreError } from '@reprise/core';
import type { AsyncStore, MemoryRecord } from '@reprise/store';
import { Answers } from '../../src/answers.ts';
import { AsyncEngine } from '../../src/async-engine.ts';
import { DirectEngine } from '../../src/direct.ts';
import { Flights } from '../../src/flight.ts';
import { namespacePrefix } from '../../src/key/key-text.ts';
import { Lanes } from '../../src/lanes.ts';
import { entryOf, recordOf } from '../../src/record.ts';
import { Remembered } from '../../src/remembered.ts';
import { Runs } from '../../src/runs.ts';
import { SyncEngine } from '../../src/sync-engine.ts';
import { SyncShelf } from '../../src/sync-shelf.ts';
import { tagEpoch } from '../../src/tags.ts';
import { TextKeys } from '../../src/text-keys.ts';
import { homesOf } from './inside.ts';
import { all, asText, inMemory, type Mistake, replace, together } from './mistake.ts';
import type { Stage } from './stage.ts';
import type { DeferredStore, TextStore } from './stores.ts';

/** What the schedule being played stands on. */
let stage: Stage;
const takeStage = (taken: Stage): void => {
  stage = taken;
};
const deferred = (): DeferredStore => stage.store as DeferredStore;

/** Says that the store failed, as the engine does. */
function failed(key: string | undefined, cause: unknown): StoreError {
  const error = new StoreError('failed', { cause });
  homesOf(stage)[0]?.emitter.emit({ type: 'error', cache: undefined, name: undefined, key, error });
  return error;
}

/** An operation whose failure is said, and nothing else is done about it. */
function said<Result>(operation: Promise<Result>, key?: string): Promise<Result> {
  return operation.catch((error) => {
    throw failed(key, error);
  });
}

export const mistakes: readonly Mistake[] = [
  {
    name: 'an invalidation that lets the older run keep its result',
    law: 'law 3',
    homes: all,
    make: () =>
      replace(Flights.prototype, 'void', (original) => {
        return function (this: Flights, key) {
          const flight = this.get(key);
          original.call(this, key);
          if (flight !== undefined) flight.voided = false;
        };
      }),
  },
  {
    name: 'an invalidation after which calls still join the older run',
    law: 'law 3',
    homes: all,
    make: () =>
      replace(Flights.prototype, 'void', () => {
        return function (this: Flights, key) {
          const flight = this.get(key);
          if (flight !== undefined) flight.voided = true;
        };
      }),
  },
  {
    name: 'a clear that forgets the runs under way',
    law: 'law 3',
    homes: asText,
    make: () => replace(Flights.prototype, 'voidAll', () => () => {}),
  },
  {
    name: 'a set that forgets the runs under way',
    law: 'law 3',
    homes: all,
    make: () => {
      const without = <Set extends (...args: never[]) => unknown>(set: Set): Set =>
        function (this: unknown, ...args: never[]) {
          const mend = replace(Flights.prototype, 'void', () => () => {});
          try {
            // What is decided of the flights is decided before it awaits anything.
            return set.apply(this, args);
          } finally {
            mend();
          }
        } as unknown as Set;
      return together(
        replace(DirectEngine.prototype, 'set', without),
        replace(SyncEngine.prototype, 'set', without),
        replace(AsyncEngine.prototype, 'set', without),
      );
    },
  },
  {
    name: 'a settled run that stays to be joined',
    law: 'law 5',
    homes: all,
    make: () =>
      replace(Flights.prototype, 'close', (original) => {
        return function (this: Flights, flight) {
          // Where a label was invalidated, calls would ask it again without end.
          if (flight.epoch < tagEpoch()) original.call(this, flight);
        };
      }),
  },
  {
    name: 'a failed run that stays to be joined',
    law: 'law 7',
    homes: inMemory,
    make: () =>
      replace(Runs.prototype, 'fly', (original) => {
        return function (this: Runs, flight, ...rest) {
          const result = original.call(this, flight, ...rest);
          // Later than the engine has taken it out.
          if (result instanceof Promise) {
            result.catch(() => {
              if (flight.epoch < tagEpoch()) return;
              flight.promise = result;
              this.flights.open(flight);
            });
          }
          return result;
        };
      }),
  },
  {
    name: 'calls that never join a run',
    law: 'law 2',
    homes: all,
    make: () =>
      replace(Runs.prototype, 'join', () => {
        return function (this: Runs, flight, work, self, args, counts) {
          counts.misses++;
          return this.fly(this.open(flight.key, work.policy), work, self, args, counts);
        };
      }),
  },
  {
    name: 'an older run that overwrites a newer result',
    law: 'newest',
    homes: all,
    make: () => replace(Flights.prototype, 'supersede', () => () => {}),
  },
  {
    name: 'a run that waits for itself',
    law: 'law 1',
    homes: all,
    make: () =>
      replace(Runs.prototype, 'join', (original) => {
        return function (this: Runs, flight, work, self, args, counts, ...more) {
          if (flight.promise === undefined) return original.call(this, flight, work, self, args, counts, ...more);
          this.answers.countJoined(counts, flight);
          return flight.promise;
        };
      }),
  },
  {
    name: 'joined calls that are not counted',
    law: 'law 8',
    homes: all,
    make: () => replace(Answers.prototype, 'countJoined', () => () => {}),
  },
  {
    name: 'bypassed calls that are answered from the cache',
    law: 'law 2',
    homes: all,
    make: () => replace(Remembered.prototype, 'isBypassed', () => () => false),
  },
  {
    name: 'two arguments under one key',
    law: 'law 6',
    homes: asText,
    make: () =>
      replace(TextKeys.prototype, 'textOf', (original) => {
        return function (this: TextKeys, ...call) {
          return original.apply(this, call).replace('"ab"', '"a"');
        };
      }),
  },
  {
    name: 'an age that nobody looks at',
    law: 'law 4',
    homes: all,
    make: () => () => {},
    prepare: (stage) => {
      for (const home of homesOf(stage)) Object.defineProperty(home, 'isAhead', { value: () => true });
    },
  },
  {
    name: 'a bound that nobody keeps',
    law: 'law 5',
    homes: ['memory'],
    make: () => () => {},
    prepare: (stage) => {
      for (const { store } of homesOf(stage)) if (store.sync) store.resize?.({ maxSize: Number.POSITIVE_INFINITY });
    },
  },
  {
    name: 'a value that cacheIf refused and is kept',
    law: 'remembers',
    homes: ['memory', 'text'],
    make: () =>
      replace(Remembered.prototype, 'ask', (original) => {
        return function (this: Remembered, option, ...rest) {
          return option === 'cacheIf' ? true : original.call(this, option, ...rest);
        } as typeof original;
      }),
  },
  {
    name: 'results that are not kept',
    law: 'remembers',
    homes: ['memory', 'text'],
    make: () => {
      return together(
        replace(DirectEngine.prototype, 'keep', () => () => true),
        replace(SyncEngine.prototype, 'keep', () => () => true),
      );
    },
  },
  {
    name: 'a place in the index that a run leaves behind',
    law: 'law 5',
    homes: ['memory'],
    make: () => replace(DirectEngine.prototype, 'release', () => () => {}),
  },
  {
    name: 'a key in text that a run leaves behind',
    law: 'law 5',
    homes: asText,
    make: () => {
      return together(
        replace(SyncEngine.prototype, 'release', () => () => {}),
        replace(AsyncEngine.prototype, 'release', () => () => {}),
      );
    },
  },
  {
    name: 'a read that does not wait for a deletion under way',
    law: 'law 3',
    homes: ['async'],
    prepare: takeStage,
    make: () =>
      replace(Lanes.prototype, 'read', () => {
        return async (key) => {
          const entry = await deferred()
            .get(key)
            .catch(() => undefined);
          return entry === undefined ? undefined : recordOf(entry, 0, false);
        };
      }),
  },
  {
    name: 'a deletion that is not owed when it fails',
    law: 'law 3',
    homes: ['async'],
    prepare: takeStage,
    make: () =>
      replace(Lanes.prototype, 'drop', () => {
        return (key) => said(deferred().delete(key), key);
      }),
  },
  {
    name: 'a write that does not wait its turn',
    law: 'law 3',
    homes: ['async'],
    prepare: takeStage,
    make: () =>
      replace(Lanes.prototype, 'write', () => {
        return async (key, record, full) => {
          await said(deferred().set(key, entryOf(record, full)), key);
          return true;
        };
      }),
  },
  {
    name: 'a clear during which the store is read',
    law: 'law 3',
    homes: ['async'],
    prepare: takeStage,
    make: () =>
      replace(Lanes.prototype, 'clear', () => {
        return (prefix) => said(deferred().clear(namespacePrefix(homesOf(stage)[0]?.name ?? '') + prefix));
      }),
  },
  {
    name: 'a near tier that answers what it had once',
    law: 'law 3',
    homes: ['tiered'],
    prepare: takeStage,
    make: () => {
      const had = new Map<string, MemoryRecord>();
      return replace(Lanes.prototype, 'near', (original) => {
        return function (this: Lanes, key, isAhead) {
          const record = original.call(this, key, isAhead) ?? had.get(key);
          if (record !== undefined) had.set(key, record);
          return record;
        };
      });
    },
  },
  {
    name: 'a near tier whose labels nobody looks at',
    law: 'law 3',
    homes: ['tiered'],
    theme: 'labels',
    prepare: takeStage,
    make: () =>
      replace(Lanes.prototype, 'near', () => {
        return (key) => (homesOf(stage)[0]?.store as AsyncStore | undefined)?.near?.find(key);
      }),
  },
  {
    name: 'a failed deletion of a synchronous store that is forgotten',
    law: 'law 3',
    homes: ['text'],
    prepare: takeStage,
    make: () =>
      replace(SyncShelf.prototype, 'drop', () => {
        return (key) => {
          try {
            return (stage.store as TextStore).delete(key);
          } catch (error) {
            throw failed(key, error);
          }
        };
      }),
  },
];
