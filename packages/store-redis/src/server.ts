import { performance } from 'node:perf_hooks';
import { StoreError } from '@reprise/store';
import type { Argument, RedisConnection, RedisWatch, Reply, WatchHearer } from './client.ts';
import type { KeySpace } from './key-space.ts';
import type { Reports } from './reports.ts';
import { beginScript, type Script } from './scripts.ts';
import { ServerTime } from './server-time.ts';

/** So many commands may be without an answer; beyond that one fails at once. */
const mostUnanswered = 10_000;

/** What a question is remembered by whose answer tells of the server. */
export interface Asked {
  readonly at: number;
  readonly turn: number | undefined;
}

/** What the store says to the server: commands and scripts, with failures in words, and none that waits without bound. */
export class Server {
  readonly time: ServerTime = new ServerTime();
  readonly #connect: () => Promise<RedisConnection>;
  readonly #keys: KeySpace;
  readonly #reports: Reports;
  #connection: RedisConnection | undefined;
  #connecting: Promise<RedisConnection> | undefined;
  #leave: (() => void) | undefined;
  #wasReady = false;
  /** Which master has answered last, and in which turn of the connection that is sure. */
  #origin: string | undefined;
  #turn: number | undefined;
  #unanswered = 0;
  #quiet: () => void = () => {};

  constructor(connect: () => Promise<RedisConnection>, keys: KeySpace, reports: Reports) {
    this.#connect = connect;
    this.#keys = keys;
    this.#reports = reports;
  }

  /** Which master answers what is sent now, and has answered what was sent since this was the same; `undefined` where that is not known. */
  get origin(): string | undefined {
    return this.#turn !== undefined && this.#turn === this.turn ? this.#origin : undefined;
  }

  /** Changes whenever the connection may lead to another server; `undefined` where that cannot be known. */
  get turn(): number | undefined {
    return this.#connection?.turn;
  }

  /** Notes the time, and where to the connection leads, before a question. */
  ask(): Asked {
    return { at: performance.now(), turn: this.turn };
  }

  /** What a script has told of the server that it ran on. */
  learn({ at, turn }: Asked, time: string, origin: string): void {
    if (origin !== this.#origin) this.time.forget();
    this.#origin = origin;
    this.time.learn(Number(time), at);
    // Who was asked in another turn may have answered in this one: a client sends again what was without an answer.
    this.#turn = origin !== '' && turn === this.turn ? turn : undefined;
  }

  /** Nothing is sure until a script has told it anew. */
  doubt(): void {
    this.#turn = undefined;
  }

  /** Sends a command that is about keys of this place. */
  async send(what: string, command: string, args: readonly Argument[]): Promise<Reply> {
    const connection = this.#connection ?? (await this.#open(what));
    if (connection.state !== 'ready') await connection.revive?.();
    this.#refuseWhenLost(connection, what);
    this.#unanswered++;
    try {
      return await connection.send(this.#keys.state, command, args);
    } catch (error) {
      throw this.#reports.failure(what, error);
    } finally {
      this.#unanswered--;
      if (this.#unanswered === 0) this.#quiet();
    }
  }

  /** Resolves when nothing is without an answer. */
  async idle(): Promise<void> {
    while (this.#unanswered > 0) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve;
      });
    }
  }

  /** Runs a script: by its digest, and with its text where the server does not have it. */
  async run(what: string, script: Script, keys: readonly Argument[], args: readonly Argument[]): Promise<Reply> {
    const shared = this.#keys.shared;
    const rest = [String(shared.length + keys.length), ...shared, ...keys, ...args];
    try {
      return await this.#runWhole(what, script, rest);
    } catch (error) {
      // What is invalidated has to be, and makes room. Servers before version 7 have no word for that.
      if (!script.frees || !isAnswer(error, 'OOM')) throw error;
      return this.send(what, 'EVAL', [`#!lua flags=allow-oom\n${script.text}`, ...rest]).catch(() => {
        throw error;
      });
    }
  }

  async #runWhole(what: string, script: Script, rest: readonly Argument[]): Promise<Reply> {
    try {
      return await this.send(what, 'EVALSHA', [script.digest, ...rest]);
    } catch (error) {
      if (!isAnswer(error, 'NOSCRIPT')) throw error;
      return this.send(what, 'EVAL', [script.text, ...rest]);
    }
  }

  /** Asks for the counters, and which master answers; makes them where there are none. */
  async begin(what: string, mark: string): Promise<readonly [mark: string, epoch: string]> {
    const asked = this.ask();
    const reply = await this.run(what, beginScript, [], [mark]);
    const [found, epoch, time, origin] = texts(reply, 4) as [string, string, string, string];
    this.learn(asked, time, origin);
    return [found, epoch];
  }

  /** Makes a connection of its own that hears of changes. @throws what connecting throws */
  async watch(prefixes: readonly Buffer[], hearer: WatchHearer): Promise<RedisWatch> {
    const { watch } = this.#connection ?? (await this.#open('be told of changes'));
    if (watch === undefined) throw new StoreError('The Redis store cannot be told of changes by this client');
    return watch(prefixes, hearer);
  }

  async close(): Promise<void> {
    await this.idle();
    this.#leave?.();
    const connection = this.#connection ?? (await this.#connecting?.catch(() => undefined));
    await connection?.close?.();
  }

  #open(what: string): Promise<RedisConnection> {
    this.#connecting ??= this.#connect().then(
      (connection) => {
        this.#connection = connection;
        this.#leave = connection.listen((error) =>
          this.#reports.failed(this.#reports.failure('stay connected', error)),
        );
        return connection;
      },
      (error: unknown) => {
        this.#connecting = undefined;
        throw this.#reports.failure(what, error);
      },
    );
    return this.#connecting;
  }

  #refuseWhenLost({ state }: RedisConnection, what: string): void {
    this.#wasReady ||= state === 'ready';
    if (state === 'lost' || (state === 'connecting' && this.#wasReady)) {
      throw new StoreError(`The Redis store could not ${what}: the client is not connected`);
    }
    if (this.#unanswered >= mostUnanswered) {
      throw new StoreError(`The Redis store could not ${what}: ${mostUnanswered} commands are without an answer`);
    }
  }
}

/** Whether an error is one that the server has answered, and begins so. */
function isAnswer(error: unknown, word: string): boolean {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error && cause.message.startsWith(word);
}

/** A reply that is a list of so many texts. */
export function texts(reply: Reply, count: number): string[] {
  if (!Array.isArray(reply) || reply.length !== count)
    throw new StoreError('The Redis store got a reply of another kind');
  return (reply as Reply[]).map((part) => {
    if (typeof part === 'number') return String(part);
    if (typeof part === 'string' || Buffer.isBuffer(part)) return part.toString();
    throw new StoreError('The Redis store got a reply of another kind');
  });
}

/** A reply that is a number. */
export function count(reply: Reply): number {
  // A client may be told to give numbers as texts.
  const number =
    typeof reply === 'number'
      ? reply
      : Number(Buffer.isBuffer(reply) || typeof reply === 'string' ? String(reply) : Number.NaN);
  if (!Number.isInteger(number)) throw new StoreError('The Redis store got a reply of another kind');
  return number;
}

/** A reply that is a list of so many values, some of which may be missing. */
export function values(reply: Reply, length: number): (Buffer | null)[] {
  if (!Array.isArray(reply) || reply.length !== length)
    throw new StoreError('The Redis store got a reply of another kind');
  return (reply as Reply[]).map((part) => {
    if (part === null || Buffer.isBuffer(part)) return part;
    throw new StoreError('The Redis store got a reply of another kind');
  });
}
