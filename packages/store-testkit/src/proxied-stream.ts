import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** What a {@link ProxiedStream} asks for each piece: the trouble may begin and end at any time. */
export interface StreamTrouble {
  /** For how many milliseconds a piece is kept back. */
  readonly latency: number;
  readonly isHeld: boolean;
  /** Whether pieces are lost, and the end of the stream with them. */
  readonly isSwallowed: boolean;
  /** How large a piece may be. */
  readonly pieceSize: number;
  readonly corrupt: ((bytes: Buffer) => Uint8Array) | undefined;
}

/** One direction of one connection: what arrives at `from` leaves by `to` in the same order, with the trouble of that moment. */
export class ProxiedStream {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #trouble: () => StreamTrouble;
  readonly #allow: (bytes: number) => number;
  readonly #waiting: { readonly bytes: Uint8Array | undefined; readonly due: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #hasLost = false;
  #isStopped = false;

  /** @param allow asked of how many bytes of each piece may leave; nothing leaves behind one that was cut */
  constructor(from: Socket, to: Socket, trouble: () => StreamTrouble, allow: (bytes: number) => number) {
    this.#from = from;
    this.#to = to;
    this.#trouble = trouble;
    this.#allow = allow;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.#take(undefined));
    to.on('drain', () => from.resume());
  }

  /** Whether something was lost of it: what comes after that would be read as what it is not. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** Lets go on what need not wait any more. */
  pump(): void {
    if (this.#isScheduled) return;
    clearTimeout(this.#timer);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#trouble().isHeld) return;
      const rest = next.due - performance.now();
      if (rest > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(rest));
        return;
      }
      this.#waiting.shift();
      if (this.#to.destroyed) continue;
      if (next.bytes === undefined) {
        this.#to.end();
        continue;
      }
      const allowed = this.#allow(next.bytes.length);
      if (!this.#to.write(next.bytes.subarray(0, allowed))) this.#from.pause();
      if (allowed < next.bytes.length) {
        this.stop();
        return;
      }
      if (this.#trouble().pieceSize === Infinity || this.#waiting.length === 0) continue;
      // A reader in this process shall have read this piece before the next one comes: it reads between the two.
      this.#isScheduled = true;
      setImmediate(() =>
        setImmediate(() => {
          this.#isScheduled = false;
          this.pump();
        }),
      );
      return;
    }
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #take(bytes: Buffer | undefined): void {
    const { isSwallowed, latency, corrupt, pieceSize } = this.#trouble();
    if (isSwallowed || this.#isStopped) {
      this.#hasLost = true;
      return;
    }
    const due = performance.now() + latency;
    if (bytes === undefined) this.#waiting.push({ bytes, due });
    else {
      const altered = corrupt === undefined ? bytes : corrupt(bytes);
      const step = Math.min(pieceSize, altered.length);
      for (let start = 0; start < altered.length; start += step) {
        this.#waiting.push({ bytes: altered.subarray(start, start + step), due });
      }
    }
    this.pump();
  }
}
