import {
  type AsyncStore,
  type Entry,
  type Lease,
  OptionError,
  type Store,
  StoreError,
  type StoreListener,
  type SyncStore,
} from '@reprise/store';
import { seededRandom } from './random.ts';
import { untold } from './untold.ts';

/** The operations that can be made to fail. */
export type ChaosOperation =
  | 'get'
  | 'getMany'
  | 'set'
  | 'delete'
  | 'clear'
  | 'close'
  | 'entries'
  | 'size'
  | 'prune'
  | 'resize'
  | 'touch'
  | 'invalidateTags'
  | 'generation'
  | 'isCurrent'
  | 'lease'
  | 'renew'
  | 'release';

/**
 * What happens to one call instead of what should:
 * - `'throw'`: it throws at once, which an asynchronous store never should; `'reject'`: its promise rejects (a synchronous
 *   one throws). Both with a `StoreError`, and the store underneath is not asked;
 * - `'hang'`: nothing, until `resume()`; then the store is asked. `{ delay }`: the same until a promise settles, or for so
 *   many milliseconds of real time. Not for synchronous stores;
 * - `'garbage'`: the store underneath is not asked, and what comes back is no answer: a number, a text, half an entry;
 * - `'late failure'`: the store underneath does it, and then the call fails as with `'reject'`;
 * - `{ throw }`: it fails with this, as `'reject'` does; `{ return }`: this comes back.
 */
export type ChaosFault =
  | 'throw'
  | 'reject'
  | 'hang'
  | 'garbage'
  | 'late failure'
  | { readonly throw: unknown }
  | { readonly return: unknown }
  | { readonly delay: PromiseLike<unknown> | number };

/** For every call; for the first, second, … (`undefined`: no fault; none after the last); or decided call by call, counted from 1. */
export type ChaosRule =
  | ChaosFault
  | readonly (ChaosFault | undefined)[]
  | ((call: number, ...args: readonly unknown[]) => ChaosFault | undefined);

/** Which faults befall a {@link chaosStore}. */
export type ChaosPlan = { readonly [Operation in ChaosOperation]?: ChaosRule } & {
  /** Befalls the operations that have no rule of their own, at random: the same calls for the same seed. */
  readonly random?: {
    readonly seed: number;
    /** The share of calls, 0 to 1. */
    readonly rate: number;
    readonly faults: readonly ChaosFault[];
    /** Default: all but `close`. */
    readonly operations?: readonly ChaosOperation[];
  };
};

/** How to look into a {@link chaosStore}, and to end the trouble. */
export interface ChaosControl {
  /** How often each operation was called, and how often it was made to fail. */
  readonly counts: Readonly<Record<ChaosOperation, { readonly calls: number; readonly faults: number }>>;
  /** How many calls hang or are delayed at this moment. */
  readonly waiting: number;
  /** Lets the calls that hang go on. */
  resume(): void;
  /** No more faults, and `resume()`. */
  heal(): void;
  /** A new plan from here on; calls are counted from 1 again for its rules. */
  plan(plan: ChaosPlan): void;
}

/** A store in trouble, as {@link chaosStore} makes it: synchronous if the one underneath is. */
export type ChaosStore<Underneath extends Store = Store> = (Underneath extends SyncStore ? SyncStore : AsyncStore) &
  ChaosControl;

const operations: readonly ChaosOperation[] = [
  'get',
  'getMany',
  'set',
  'delete',
  'clear',
  'close',
  'entries',
  'size',
  'prune',
  'resize',
  'touch',
  'invalidateTags',
  'generation',
  'isCurrent',
  'lease',
  'renew',
  'release',
];

const garbage: readonly unknown[] = [
  42,
  'text',
  null,
  {},
  [],
  { value: 1 },
  true,
  { value: 1, expiresAt: 'soon' },
  Symbol('no entry'),
];

/**
 * Puts trouble between a cache and its store: to prove that calls survive it.
 *
 * The store underneath keeps working, and can be asked directly what it holds. The `direct` form and `track` are not passed
 * on, so that every operation goes through the plan; a clock, listeners and `copy` are.
 *
 * @throws OptionError for a plan that names no operation, or lets a synchronous store hang
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { memoryStore } from '@reprise/store-memory';
 * import { chaosStore } from '@reprise/store-testkit';
 *
 * const store = chaosStore(memoryStore(), { get: [undefined, 'throw'] });
 * assert.equal(store.get('k'), undefined);
 * assert.throws(() => store.get('k'), /get number 2/);
 * assert.equal(store.get('k'), undefined);
 * assert.deepEqual(store.counts.get, { calls: 3, faults: 1 });
 */
export function chaosStore<Underneath extends Store>(store: Underneath, plan: ChaosPlan = {}): ChaosStore<Underneath> {
  return new Chaos(store, plan) as unknown as ChaosStore<Underneath>;
}

class Chaos implements ChaosControl {
  readonly name: string;
  readonly sync: boolean;
  readonly capabilities: Store['capabilities'];
  readonly counts = Object.fromEntries(operations.map((operation) => [operation, { calls: 0, faults: 0 }])) as Record<
    ChaosOperation,
    { calls: number; faults: number }
  >;
  readonly #store: Store;
  #plan: ChaosPlan = {};
  #random: () => number = Math.random;
  #callsOfPlan: Partial<Record<ChaosOperation, number>> = {};
  #garbageGiven = 0;
  readonly #hanging = new Set<() => void>();
  #delayed = 0;

  // Absent where the store underneath has none, as a cache may look for them.
  readonly persistent?: boolean;
  readonly entries?: (prefix?: string) => unknown;
  readonly size?: (prefix?: string) => unknown;
  readonly prune?: () => unknown;
  readonly resize?: (bounds: object) => unknown;
  readonly touch?: (key: string) => unknown;
  readonly invalidateTags?: (tags: readonly string[]) => unknown;
  readonly generation?: () => unknown;
  readonly isCurrent?: (key: string, generation: number | string, tags?: readonly string[]) => unknown;
  readonly lease?: (key: string) => unknown;
  readonly renew?: (lease: Lease) => unknown;
  readonly release?: (lease: Lease) => unknown;
  readonly listen?: (listener: StoreListener) => () => void;
  readonly copy?: (value: unknown) => unknown;
  readonly getMany?: (keys: readonly string[]) => unknown;

  constructor(store: Store, plan: ChaosPlan) {
    this.#store = store;
    this.name = `chaos of ${store.name ?? 'a store'}`;
    this.sync = store.sync;
    if (store.persistent !== undefined) this.persistent = store.persistent;
    this.capabilities = untold(store);
    this.plan(plan);
    if (store.entries) this.entries = (prefix) => this.#list(prefix);
    if (store.size) this.size = (prefix) => this.#call('size', [prefix], () => store.size?.(prefix));
    if (store.prune) this.prune = () => this.#call('prune', [], () => store.prune?.());
    if (store.resize) this.resize = (bounds) => this.#call('resize', [bounds], () => store.resize?.(bounds));
    if (store.touch) this.touch = (key) => this.#call('touch', [key], () => store.touch?.(key));
    if (store.invalidateTags) {
      this.invalidateTags = (tags) => this.#call('invalidateTags', [tags], () => store.invalidateTags?.(tags));
    }
    if (store.isCurrent) {
      this.isCurrent = (key, generation, tags) =>
        this.#call('isCurrent', [key, generation, tags], () => store.isCurrent?.(key, generation, tags));
    }
    if (store.generation) this.generation = () => this.#call('generation', [], () => store.generation?.());
    if (store.lease) this.lease = (key) => this.#call('lease', [key], () => store.lease?.(key));
    if (store.renew) this.renew = (lease) => this.#call('renew', [lease], () => store.renew?.(lease));
    if (store.release) this.release = (lease) => this.#call('release', [lease], () => store.release?.(lease));
    if (store.listen) this.listen = (listener) => store.listen?.(listener) ?? (() => {});
    if (!store.sync && store.getMany) {
      this.getMany = (keys) => this.#call('getMany', [keys], () => store.getMany?.(keys));
    }
    if (store.copy) this.copy = (value) => store.copy?.(value);
  }

  get(key: string): unknown {
    return this.#call('get', [key], () => this.#store.get(key));
  }

  set(key: string, entry: Entry): unknown {
    return this.#call('set', [key, entry], () => this.#store.set(key, entry));
  }

  delete(key: string): unknown {
    return this.#call('delete', [key], () => this.#store.delete(key));
  }

  clear(prefix?: string): unknown {
    return this.#call('clear', [prefix], () => this.#store.clear(prefix));
  }

  close(): unknown {
    return this.#call('close', [], () => this.#store.close());
  }

  useClock(clock: { now(): number }): void {
    this.#store.useClock?.(clock);
  }

  get waiting(): number {
    return this.#hanging.size + this.#delayed;
  }

  resume(): void {
    const hanging = [...this.#hanging];
    this.#hanging.clear();
    for (const goOn of hanging) goOn();
  }

  heal(): void {
    this.#plan = {};
    this.resume();
  }

  plan(plan: ChaosPlan): void {
    for (const name of Object.keys(plan)) {
      if (name !== 'random' && !(operations as readonly string[]).includes(name)) {
        throw new OptionError(
          `chaosStore: there is no operation ${JSON.stringify(name)}; there are ${operations.join(', ')}`,
        );
      }
    }
    const rules = [...operations.flatMap((operation) => plan[operation] ?? []), ...(plan.random?.faults ?? [])];
    for (const fault of rules)
      if (typeof fault !== 'function' && fault !== undefined) this.#checkPossible(fault as ChaosFault);
    this.#plan = plan;
    this.#callsOfPlan = {};
    this.#random = seededRandom(plan.random?.seed ?? 0);
  }

  #checkPossible(fault: ChaosFault): void {
    if (this.sync && (fault === 'hang' || (typeof fault === 'object' && 'delay' in fault))) {
      throw new OptionError('chaosStore: a synchronous store cannot hang or be delayed; wrap an asynchronous one');
    }
  }

  #chooseFault(operation: ChaosOperation, args: readonly unknown[]): ChaosFault | undefined {
    const call = (this.#callsOfPlan[operation] ?? 0) + 1;
    this.#callsOfPlan[operation] = call;
    const rule = this.#plan[operation];
    if (typeof rule === 'function') return rule(call, ...args);
    if (Array.isArray(rule)) return rule[call - 1] as ChaosFault | undefined;
    if (rule !== undefined) return rule as ChaosFault;
    const { random } = this.#plan;
    if (random === undefined) return undefined;
    if (random.operations === undefined ? operation === 'close' : !random.operations.includes(operation))
      return undefined;
    return this.#random() < random.rate ? random.faults[Math.floor(this.#random() * random.faults.length)] : undefined;
  }

  #call(operation: ChaosOperation, args: readonly unknown[], run: () => unknown): unknown {
    const count = this.counts[operation];
    count.calls++;
    const number = count.calls;
    const fault = this.#chooseFault(operation, args);
    if (fault === undefined) return run();
    this.#checkPossible(fault);
    count.faults++;
    const error = new StoreError(`chaos: ${operation} number ${number} was made to fail`);
    if (fault === 'throw') throw error;
    if (fault === 'reject') return this.#fail(error);
    if (fault === 'garbage') return this.#answer(garbage[this.#garbageGiven++ % garbage.length]);
    if (fault === 'hang') return this.#hang().then(run);
    if (fault === 'late failure') {
      const result = run();
      return this.sync ? this.#fail(error) : Promise.resolve(result).then(() => Promise.reject(error));
    }
    if ('throw' in fault) return this.#fail(fault.throw);
    if ('return' in fault) return this.#answer(fault.return);
    return this.#wait(fault.delay).then(run);
  }

  #list(prefix: string | undefined): unknown {
    const started = this.#call('entries', [prefix], () => this.#store.entries?.(prefix));
    if (this.sync) return started;
    // A fault of an asynchronous listing shows at its first step, as an async generator's would.
    return (async function* list() {
      yield* (await started) as AsyncIterable<unknown>;
    })();
  }

  #fail(error: unknown): unknown {
    if (this.sync) throw error;
    return Promise.reject(error);
  }

  #answer(value: unknown): unknown {
    return this.sync ? value : Promise.resolve(value);
  }

  #hang(): Promise<void> {
    return new Promise((resolve) => {
      this.#hanging.add(resolve);
    });
  }

  async #wait(delay: PromiseLike<unknown> | number): Promise<void> {
    this.#delayed++;
    try {
      if (typeof delay === 'number') await new Promise((resolve) => setTimeout(resolve, delay).unref());
      else await delay;
    } finally {
      this.#delayed--;
    }
  }
}
