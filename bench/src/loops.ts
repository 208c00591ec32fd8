/**
 * The loops that are timed. The measuring process imports a fresh copy of this module for every subject, because a
 * loop shared by several would call through a polymorphic site and inline none of them. Each loop sums up what it was
 * given, so that no call can be dropped and every answer is checked.
 */

/** Runs so many laps and returns the sum of the answers, as a 32-bit integer. */
export type Run = (laps: number) => number | Promise<number>;

/** A lap calls `calls` functions in turn, `length` times in all: one and the same could be hoisted out of the loop. */
export function callZero(calls: readonly (() => number)[], length: number): Run {
  return (laps) => {
    let sum = 0;
    for (let left = laps * length; left > 0; left--) {
      sum = (sum + (calls[left % calls.length] as () => number)()) | 0;
    }
    return sum;
  };
}

export function callOne<A>(call: (a: A) => number, list: readonly A[]): Run {
  return (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      for (let i = 0; i < list.length; i++) sum = (sum + call(list[i] as A)) | 0;
    }
    return sum;
  };
}

export function callTwo<A, B>(call: (a: A, b: B) => number, list: readonly (readonly [A, B])[]): Run {
  const as = list.map(([a]) => a);
  const bs = list.map(([, b]) => b);
  return (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      for (let i = 0; i < as.length; i++) sum = (sum + call(as[i] as A, bs[i] as B)) | 0;
    }
    return sum;
  };
}

export function callThree<A, B, C>(call: (a: A, b: B, c: C) => number, list: readonly (readonly [A, B, C])[]): Run {
  const as = list.map(([a]) => a);
  const bs = list.map(([, b]) => b);
  const cs = list.map(([, , c]) => c);
  return (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      for (let i = 0; i < as.length; i++) sum = (sum + call(as[i] as A, bs[i] as B, cs[i] as C)) | 0;
    }
    return sum;
  };
}

export function callMethod(finders: readonly { find(id: string): number }[], ids: readonly string[]): Run {
  return (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      for (let i = 0; i < ids.length; i++) {
        for (let f = 0; f < finders.length; f++) {
          sum = (sum + (finders[f] as { find(id: string): number }).find(ids[i] as string)) | 0;
        }
      }
    }
    return sum;
  };
}

export function awaitOne<A>(call: (a: A) => number | Promise<number>, list: readonly A[]): Run {
  return async (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      for (let i = 0; i < list.length; i++) sum = (sum + (await call(list[i] as A))) | 0;
    }
    return sum;
  };
}

/** A lap makes `callsPerLap` calls over its own keys at once, then awaits them all. */
export function awaitTogether<A>(
  call: (a: A) => number | Promise<number>,
  keysOfLaps: readonly (readonly A[])[],
  callsPerLap: number,
): Run {
  return async (laps) => {
    let sum = 0;
    for (let lap = 0; lap < laps; lap++) {
      const keys = keysOfLaps[lap] as readonly A[];
      const answers = new Array<number | Promise<number>>(callsPerLap);
      for (let i = 0; i < callsPerLap; i++) answers[i] = call(keys[i % keys.length] as A);
      for (const answer of await Promise.all(answers)) sum = (sum + answer) | 0;
    }
    return sum;
  };
}
