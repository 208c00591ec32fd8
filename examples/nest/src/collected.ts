import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Tells which objects are gone. */
export class Watch {
  readonly #refs: WeakRef<object>[] = [];

  add(object: object): void {
    this.#refs.push(new WeakRef(object));
  }

  /** How many were added. */
  get seen(): number {
    return this.#refs.length;
  }

  /** Collects garbage, again and again if need be, and counts what is still there. */
  async countAlive(): Promise<number> {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let turn = 0; turn < 50 && this.#alive > 0; turn++) {
      await setImmediate();
      collect();
    }
    return this.#alive;
  }

  get #alive(): number {
    return this.#refs.filter((ref) => ref.deref() !== undefined).length;
  }
}
