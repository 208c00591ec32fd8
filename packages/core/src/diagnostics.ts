import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';
import { isThenable } from './one-shot.ts';
import type { CacheEvent, CacheEventType } from './types.ts';

// Constants of this module: while nobody subscribes, engines fold the question away, and it costs nothing.
const hit = channel('reprise:hit');
const miss = channel('reprise:miss');
const stale = channel('reprise:stale');
const coalesced = channel('reprise:coalesced');
const bypass = channel('reprise:bypass');
const load = channel('reprise:load');
const store = channel('reprise:store');
const refresh = channel('reprise:refresh');
const evict = channel('reprise:evict');
const expire = channel('reprise:expire');
const invalidate = channel('reprise:invalidate');
const error = channel('reprise:error');
const channels: Readonly<Record<CacheEventType, Channel>> = {
  hit,
  miss,
  stale,
  coalesced,
  bypass,
  load,
  store,
  refresh,
  evict,
  expire,
  invalidate,
  error,
};
const loads = tracingChannel<unknown, LoadTrace>('reprise:load');
const { start, end, asyncStart, asyncEnd, error: failed } = loads;

/** What subscribers of `tracing:reprise:load:*` are given of one run: the same object from its start to its end. */
export interface LoadTrace {
  /** As in a `CacheEvent`. */
  readonly cache: string | undefined;
  readonly name: string | undefined;
  readonly key: string | undefined;
  /** What the function returned, or its promise came to. */
  result?: unknown;
  /** What it threw, or its promise rejected with. */
  error?: unknown;
}

// One question for each kind, where an engine passes often: all twelve of them would be too long to be folded in there.

/** Whether anybody has subscribed to hits. */
export function areHitsObserved(): boolean {
  return hit.hasSubscribers;
}

/** Whether anybody has subscribed to misses. */
export function areMissesObserved(): boolean {
  return miss.hasSubscribers;
}

/** Whether anybody has subscribed to the ends of runs. */
export function areLoadsObserved(): boolean {
  return load.hasSubscribers;
}

/** Whether anybody has subscribed to what stores have taken. */
export function areStoresObserved(): boolean {
  return store.hasSubscribers;
}

/** Whether anybody has subscribed to any of the events. */
export function isAnythingObserved(): boolean {
  return (
    hit.hasSubscribers ||
    miss.hasSubscribers ||
    load.hasSubscribers ||
    store.hasSubscribers ||
    stale.hasSubscribers ||
    coalesced.hasSubscribers ||
    bypass.hasSubscribers ||
    refresh.hasSubscribers ||
    evict.hasSubscribers ||
    expire.hasSubscribers ||
    invalidate.hasSubscribers ||
    error.hasSubscribers
  );
}

/** Whether anybody has subscribed to one kind of event. */
export function isObserved(type: CacheEventType): boolean {
  return channels[type].hasSubscribers;
}

/** Gives an event to the subscribers of its channel. What one of them throws is an uncaught exception, as Node has it. */
export function publishEvent(event: CacheEvent): void {
  const { hasSubscribers } = channels[event.type];
  if (hasSubscribers) channels[event.type].publish(event);
}

/** Whether anybody traces runs. */
export function areLoadsTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    failed.hasSubscribers
  );
}

/** Traces one run, as `traceSync` and `tracePromise` of Node do: which of them it is, is known when the function has returned. */
export function traceLoad(trace: LoadTrace, run: () => unknown): unknown {
  const settle = (): void => {
    asyncStart.publish(trace);
    asyncEnd.publish(trace);
  };
  const fail = (reason: unknown): void => {
    trace.error = reason;
    failed.publish(trace);
  };
  return start.runStores(trace, () => {
    let result: unknown;
    try {
      result = run();
      if (!isThenable(result)) trace.result = result;
    } catch (reason) {
      fail(reason);
      throw reason;
    } finally {
      end.publish(trace);
    }
    if (!isThenable(result)) return result;
    return (result instanceof Promise ? result : Promise.resolve(result)).then(
      (value: unknown) => {
        trace.result = value;
        settle();
        return value;
      },
      (reason: unknown) => {
        fail(reason);
        settle();
        throw reason;
      },
    );
  });
}
