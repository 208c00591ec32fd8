import { StoreError } from '@reprise/store';
import type { Reply } from './client.ts';
import type { KeySpace } from './key-space.ts';
import { judgeScript, scanScript, sweptScript } from './scripts.ts';
import type { Server } from './server.ts';
import { parseState } from './state.ts';

/** So many keys one step of a listing looks at, whoever's they are. */
const stepLength = 1_000;
/** So many entries are judged by one script. */
const mostJudged = 200;

/** Goes through the entries of the place, step by step: to list, to count, and to remove what is void or has ended. */
export class Sweeper {
  readonly #server: Server;
  readonly #keys: KeySpace;
  /** What a given clock shows, for scripts; `''`: the server's counts. */
  readonly #told: () => string;
  #sweeping: Promise<void> | undefined;
  #isAgain = false;

  constructor(server: Server, keys: KeySpace, told: () => string) {
    this.#server = server;
    this.#keys = keys;
    this.#told = told;
  }

  /** The keys of entries, in steps; each once. @param idPrefix none: of every namespace */
  async *scan(what: string, idPrefix: Buffer | undefined): AsyncGenerator<Buffer[]> {
    const pattern = this.#keys.pattern(idPrefix);
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const reply = await this.#server.run(what, scanScript, [], [cursor, pattern, String(stepLength)]);
      const [next, found] = readStep(reply);
      const fresh: Buffer[] = [];
      for (const key of found) {
        const text = key.toString('latin1');
        if (seen.has(text)) continue;
        seen.add(text);
        fresh.push(key);
      }
      if (fresh.length > 0) yield fresh;
      cursor = next;
    } while (cursor !== '0');
  }

  /** How many entries live, or have ended and were not swept; void ones do not count. */
  async count(idPrefix: Buffer): Promise<number> {
    let count = 0;
    for await (const keys of this.scan('count', idPrefix)) {
      for (const kind of await this.#judge('count', keys, 'count')) if (kind >= 2) count++;
    }
    return count;
  }

  /** Removes what is void or has ended. @returns how many had ended */
  async sweep(idPrefix: Buffer | undefined): Promise<number> {
    let count = 0;
    for await (const keys of this.scan('sweep', idPrefix)) {
      for (const kind of await this.#judge('sweep', keys, 'sweep')) if (kind === 2) count++;
    }
    return count;
  }

  /** Sweeps what was cleared, by whomever. One pass at a time; what is cleared meanwhile gets another one. */
  sweepCleared(): Promise<void> {
    this.#isAgain = true;
    this.#sweeping ??= this.#pass().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Resolves when nothing is being swept. */
  async idle(): Promise<void> {
    await this.#sweeping?.catch(() => {});
  }

  async #pass(): Promise<void> {
    while (this.#isAgain) {
      this.#isAgain = false;
      const reply = await this.#server.send('sweep', 'GET', [this.#keys.state]);
      const state = parseState(Buffer.isBuffer(reply) ? reply : null);
      // What is cleared from here on asks for another pass.
      if (state === undefined || state.pending.length === 0) continue;
      const only = state.pending.length === 1 ? state.pending[0]?.idPrefix : undefined;
      await this.sweep(only);
      await this.#server.run('sweep', sweptScript, [], [state.mark, String(state.epoch)]);
    }
  }

  async #judge(what: string, keys: readonly Buffer[], mode: 'count' | 'sweep'): Promise<number[]> {
    const kinds: number[] = [];
    for (let at = 0; at < keys.length; at += mostJudged) {
      const reply = await this.#server.run(what, judgeScript, keys.slice(at, at + mostJudged), [this.#told(), mode]);
      if (!Array.isArray(reply)) throw new StoreError('The Redis store got a reply of another kind');
      for (const kind of reply as number[]) kinds.push(kind);
    }
    return kinds;
  }
}

function readStep(reply: Reply): readonly [cursor: string, keys: readonly Buffer[]] {
  if (Array.isArray(reply) && reply.length === 2 && Array.isArray(reply[1])) {
    return [String(reply[0]), (reply[1] as Reply[]).filter((key) => Buffer.isBuffer(key))];
  }
  throw new StoreError('The Redis store got a reply of another kind');
}
