import { setImmediate } from 'node:timers/promises';
import type { AsyncStore } from '@reprise/store';

/** A promise that is settled by hand. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

export function defer<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** An asynchronous function whose runs end when told, in any order. */
export interface HeldFunction<Args extends unknown[], Value> {
  (...args: Args): Promise<Value>;
  /** One for each run, in the order of the calls. */
  readonly runs: (Deferred<Value> & { readonly args: Args })[];
}

export function holdRuns<Args extends unknown[], Value>(): HeldFunction<Args, Value> {
  const runs: (Deferred<Value> & { readonly args: Args })[] = [];
  async function held(...args: Args): Promise<Value> {
    const run = { ...defer<Value>(), args };
    runs.push(run);
    return run.promise;
  }
  return Object.assign(held, { runs });
}

/** Operations under way of stores that take their time. */
let busy = 0;

/** The same store; {@link settle} waits for what it does. */
export function watched<S extends AsyncStore>(store: S): S {
  const members = store as unknown as Record<string, unknown>;
  for (const name of operations) {
    const operation = members[name];
    if (typeof operation !== 'function') continue;
    members[name] = async (...args: unknown[]): Promise<unknown> => {
      busy++;
      try {
        return await Reflect.apply(operation, store, args);
      } finally {
        busy--;
      }
    };
  }
  return store;
}

const operations = [
  'get',
  'getMany',
  'set',
  'delete',
  'clear',
  'touch',
  'invalidateTags',
  'generation',
  'isCurrent',
  'lease',
  'release',
];

/** Lets everything that is ready happen: promises, a few turns of the event loop, and what watched stores do. */
export async function settle(): Promise<void> {
  const end = performance.now() + 4_000;
  for (let quiet = 0; quiet < 5 && performance.now() < end; quiet = busy > 0 ? 0 : quiet + 1) await setImmediate();
}

/** A run of a held function, waited for until it has begun: a store of files takes its time before. */
export async function runOf<Args extends unknown[], Value>(
  held: HeldFunction<Args, Value>,
  index: number,
): Promise<Deferred<Value> & { readonly args: Args }> {
  for (const end = performance.now() + 20_000; performance.now() < end; await setImmediate()) {
    const run = held.runs[index];
    if (run !== undefined) return run;
  }
  throw new Error(`run ${index} has not begun`);
}

/** Waits until something is so, which takes a while where files are read. */
export async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !isSo(); await setImmediate()) {
    if (performance.now() > end) throw new Error(`it never came to: ${isSo}`);
  }
}
