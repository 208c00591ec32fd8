import { MemoryRecord, type RepriseError } from '@reprise/store/contract';
import { Answers } from '../../src/answers.ts';
import { AsyncEngine } from '../../src/async-engine.ts';
import { Attendance } from '../../src/attendance.ts';
import { enterMode, enterRun, leaveRun, type Run } from '../../src/context.ts';
import { DirectEngine } from '../../src/direct.ts';
import { type Flight, Flights } from '../../src/flight.ts';
import type { Keeping } from '../../src/keeping.ts';
import type { Policy } from '../../src/options.ts';
import { Remembered } from '../../src/remembered.ts';
import { RetryTimes } from '../../src/retry-times.ts';
import { Runs } from '../../src/runs.ts';
import { SyncEngine } from '../../src/sync-engine.ts';
import { tagEpoch } from '../../src/tags.ts';
import { all, inMemory, type Mistake, replace, together } from './mistake.ts';

type Changed = { -readonly [Name in keyof Keeping]: Keeping[Name] };

/** What is kept of results is changed before it is. */
function changeKeeping(change: (keeping: Changed) => void): () => void {
  const changing = <Keep extends (...args: never[]) => void>(keep: Keep): Keep =>
    function (this: unknown, key: unknown, value: unknown, keeping: Keeping | undefined, ...rest: unknown[]) {
      const changed = keeping && { ...keeping };
      if (changed !== undefined) change(changed);
      return Reflect.apply(keep, this, [key, value, changed, ...rest]);
    } as unknown as Keep;
  return together(
    replace(DirectEngine.prototype, 'keep', changing),
    replace(SyncEngine.prototype, 'keep', changing),
    replace(AsyncEngine.prototype, 'keep', changing),
  );
}

/** The rules of functions are others than they were given. */
function changePolicies(change: (policy: Policy) => Partial<Policy>): () => void {
  return replace(Remembered.prototype, 'update', (original) => {
    return function (this: Remembered) {
      original.call(this);
      this.policy = { ...this.policy, ...change(this.policy) };
    };
  });
}

/** A record without its labels. */
function withoutTags({ value, createdAt, expiresAt, rest }: MemoryRecord): MemoryRecord {
  const { tags: _, ...others } = rest ?? {};
  return new MemoryRecord(value, createdAt, expiresAt, others);
}

export const policyMistakes: readonly Mistake[] = [
  {
    name: 'a label whose counter is not raised',
    law: 'law 3',
    homes: all,
    theme: 'labels',
    make: () => {
      const { counters } = (globalThis as never)[Symbol.for('reprise.tags')] as { counters: Map<string, number> };
      counters.set = () => counters;
      return () => {
        Reflect.deleteProperty(counters, 'set');
      };
    },
  },
  {
    name: 'labels that a hit does not pass on',
    law: 'law 3',
    homes: all,
    theme: 'labels',
    make: () =>
      replace(Answers.prototype, 'answer', (original) => {
        return function (this: Answers, record, ...rest) {
          return original.call(this, withoutTags(record), ...rest);
        };
      }),
  },
  {
    name: 'labels that a stale answer does not pass on',
    law: 'law 3',
    homes: all,
    theme: 'labels',
    make: () =>
      replace(Answers.prototype, 'answer', (original) => {
        return function (this: Answers, record, verdict, ...rest) {
          const isStale = verdict === 'stale' || verdict === 'resting';
          return original.call(this, isStale ? withoutTags(record) : record, verdict, ...rest);
        };
      }),
  },
  {
    name: 'labels that a joined run does not pass on',
    law: 'law 3',
    homes: all,
    theme: 'labels',
    make: () =>
      replace(Runs.prototype, 'join', (original) => {
        return function (this: Runs, ...args) {
          // Another run than the one that waits hears of them.
          const other: Run = { waits: undefined, notes: undefined, mode: undefined, isBehind: true };
          try {
            return enterRun(other, original, this, args);
          } finally {
            leaveRun(other);
          }
        };
      }),
  },
  {
    name: 'a late call that takes the result of a run whose label was invalidated',
    law: 'law 3',
    homes: all,
    theme: 'labels',
    make: () =>
      replace(Runs.prototype, 'join', (original) => {
        return function (this: Runs, flight, ...rest) {
          const changing = flight as { epoch: number };
          const { epoch } = flight;
          changing.epoch = tagEpoch();
          try {
            return original.call(this, flight, ...rest);
          } finally {
            changing.epoch = epoch;
          }
        };
      }),
  },
  {
    name: 'a run behind an answer that keeps its result after an invalidation',
    law: 'law 3',
    homes: all,
    theme: 'failures',
    make: () =>
      replace(Flights.prototype, 'void', (original) => {
        return function (this: Flights, key) {
          const flight = this.get(key);
          original.call(this, key);
          if (flight?.isBehind) flight.voided = false;
        };
      }),
  },
  {
    name: 'a second run behind answers of one key',
    law: 'law 2',
    homes: inMemory,
    theme: 'failures',
    make: () =>
      replace(Runs.prototype, 'followUp', (original) => {
        return function (this: Runs, ...args) {
          const mend = replace(Flights.prototype, 'has', () => () => false);
          try {
            original.apply(this, args);
          } finally {
            mend();
          }
        };
      }),
  },
  {
    name: 'a run that is tried again before retryAfter',
    law: 'law 2',
    homes: all,
    theme: 'failures',
    make: () =>
      together(
        replace(DirectEngine.prototype, 'rest', () => () => {}),
        replace(RetryTimes.prototype, 'note', () => () => {}),
      ),
  },
  {
    name: 'an answer that nothing is run behind',
    law: 'windows',
    homes: ['memory', 'text'],
    theme: 'failures',
    make: () => replace(Runs.prototype, 'followUp', () => () => {}),
  },
  {
    name: 'a run behind each fresh answer',
    law: 'law 2',
    homes: all,
    theme: 'failures',
    make: () =>
      replace(Runs.prototype, 'followUp', (original) => {
        return function (this: Runs, _verdict, ...rest) {
          original.call(this, 'ahead', ...rest);
        };
      }),
  },
  {
    name: 'a remembered error that was not asked for',
    law: 'law 7',
    homes: ['private', 'memory', 'text', 'async'],
    theme: 'failures',
    make: () =>
      replace(Remembered.prototype, 'ask', (original) => {
        return function (this: Remembered, option, ...rest) {
          return option === 'cacheErrors.when' ? true : original.call(this, option, ...rest);
        } as typeof original;
      }),
  },
  {
    name: 'an error where a stale answer is allowed',
    law: 'windows',
    homes: ['memory', 'text'],
    theme: 'failures',
    make: () =>
      replace(Attendance.prototype, 'countOpener', (original) => {
        return function (this: Attendance, flight, _fallback, counts) {
          original.call(this, flight, undefined, counts);
        };
      }),
  },
  {
    name: 'a stale answer beyond its window',
    law: 'law 4',
    homes: all,
    theme: 'failures',
    make: () =>
      together(
        changePolicies(({ staleWhileRevalidate: window }) =>
          window === undefined ? {} : { staleWhileRevalidate: 3 * window },
        ),
        changeKeeping((keeping) => {
          keeping.staleFor *= 3;
        }),
      ),
  },
  {
    name: 'a stale answer in place of an error that was not forgiven',
    law: 'law 4',
    homes: ['private', 'memory', 'text', 'async'],
    theme: 'failures',
    make: () =>
      replace(Remembered.prototype, 'ask', (original) => {
        return function (this: Remembered, option, ...rest) {
          return option === 'staleIfError.when' ? true : original.call(this, option, ...rest);
        } as typeof original;
      }),
  },
  {
    name: 'an idle time that nobody looks at',
    law: 'law 4',
    homes: all,
    theme: 'mixed',
    make: () =>
      changeKeeping((keeping) => {
        keeping.idle = undefined;
      }),
  },
  {
    name: 'a mode no-store that reads and stores',
    law: 'law 2',
    homes: all,
    theme: 'mixed',
    make: () => {
      const isOff = Object.getOwnPropertyDescriptor(Remembered.prototype, 'isOff') as PropertyDescriptor;
      Object.defineProperty(Remembered.prototype, 'isOff', { get: () => false, configurable: true });
      return () => {
        Object.defineProperty(Remembered.prototype, 'isOff', isOff);
      };
    },
  },
  {
    name: 'a mode only-if-cached that runs the function',
    law: 'modes',
    homes: inMemory,
    theme: 'mixed',
    make: () =>
      replace(Runs.prototype, 'serve', (original) => {
        return function (this: Runs, key, record, work, self, args, counts, place) {
          const run = (error: RepriseError): unknown => {
            if (error.code !== 'E_NOT_CACHED') throw error;
            return this.fly(this.open(key, work.policy), work, self, args, counts);
          };
          const result = original.call(this, key, record, work, self, args, counts, place);
          return result instanceof Promise ? result.catch(run) : result;
        };
      }),
  },
  {
    name: 'modes that nobody looks at',
    law: 'modes',
    homes: ['private', 'memory', 'text'],
    theme: 'mixed',
    make: () =>
      replace(Runs.prototype, 'serve', (original) => {
        return function (this: Runs, ...args) {
          const { result, leave } = enterMode('default', () => original.apply(this, args));
          leave();
          return result;
        };
      }),
  },
  {
    name: 'a copy that two callers have',
    law: 'isolate',
    homes: all,
    theme: 'mixed',
    make: () =>
      replace(Answers.prototype, 'valueOf', (original) => {
        return function (this: Answers, record, policy) {
          return original.call(this, record, { ...policy, isolate: 'none' });
        };
      }),
  },
  {
    name: 'a limit that no caller is told of',
    law: 'timeout',
    homes: inMemory,
    theme: 'mixed',
    make: () => replace(Attendance.prototype, 'attend', () => (result) => result),
  },
  {
    name: 'a run that is joined when it has taken too long',
    law: 'timeout',
    homes: inMemory,
    theme: 'mixed',
    make: () =>
      replace(Runs.prototype, 'joinable', () => {
        return function (this: Runs, key, policy): Flight | undefined {
          return policy.dedupe === false ? undefined : this.flights.get(key);
        };
      }),
  },
];
