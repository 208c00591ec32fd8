import { EventEmitter } from 'node:events';

/**
 * An adapter over a `Map` whose answers come when the test lets them: each operation takes effect at one moment, which {@link step} draws,
 * as on a server with many connections.
 */
export class SlowAdapter extends EventEmitter {
  readonly opts: object = {};
  readonly held: Map<string, unknown>;
  readonly #waiting: (() => void)[] = [];

  constructor(held: Map<string, unknown>) {
    super();
    this.held = held;
  }

  /** How many operations are on their way. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Has one of the operations take effect. */
  step(random: () => number): void {
    const [operation] = this.#waiting.splice(Math.floor(random() * this.#waiting.length), 1);
    operation?.();
  }

  /** As a process that dies: what is on its way never arrives. */
  die(): void {
    this.#waiting.length = 0;
    this.#isDead = true;
  }

  #isDead = false;

  get(key: string): Promise<unknown> {
    return this.#later(() => this.held.get(key));
  }

  set(key: string, value: unknown): Promise<true> {
    return this.#later(() => {
      this.held.set(key, value);
      return true;
    });
  }

  delete(key: string): Promise<boolean> {
    return this.#later(() => this.held.delete(key));
  }

  clear(): Promise<void> {
    return this.#later(() => this.held.clear());
  }

  #later<Result>(effect: () => Result): Promise<Result> {
    return new Promise((resolve) => {
      if (!this.#isDead) this.#waiting.push(() => resolve(effect()));
    });
  }
}
