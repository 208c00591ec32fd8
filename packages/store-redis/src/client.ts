/** What a command takes. */
export type Argument = string | Buffer;

/** What a command answers; texts are bytes, save short ones such as `OK`. */
export type Reply = number | string | Buffer | null | readonly Reply[];

/** A client of the package `ioredis` from 5.11 on: `new Redis(…)`, with Sentinels too, or `new Cluster(…)`. */
export interface IoredisClient {
  readonly status: string;
  readonly options: object;
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'connect', listener: () => void): unknown;
  duplicate(...given: never[]): unknown;
}

/** A client of the package `redis` from 6 on: `createClient(…)`, `createCluster(…)` or `createSentinel(…)`, connected by its owner. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  // Of the three kinds of clients each has arguments of its own; which one it is is found out at run time.
  sendCommand(...args: never[]): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'connect', listener: () => void): unknown;
  duplicate(...given: never[]): unknown;
}

/** A client that the user has made, and closes. */
export type RedisClient = IoredisClient | NodeRedisClient;

/** One way to a server, whoever made it. */
export interface RedisConnection {
  /** Whether a command that is sent now goes out now; `false`: it waits in the client, or fails. */
  readonly state: 'ready' | 'connecting' | 'lost';
  /**
   * Changes whenever what is sent may be answered by another server process than before, and does so before that one has answered anything;
   * `undefined` where that cannot be known.
   */
  readonly turn: number | undefined;
  /**
   * @param key the first key that the command is about: where it goes on a cluster
   */
  send(key: Buffer, command: string, args: readonly Argument[]): Promise<Reply>;
  /** Hears of errors that no command has; returns how to leave. */
  listen(failed: (error: unknown) => void): () => void;
  /**
   * Makes one more connection, which hears of every key that begins with one of the prefixes and changes; absent where that cannot be had.
   * It is not made again when it ends.
   *
   * @throws what connecting throws
   */
  watch?(prefixes: readonly Buffer[], hearer: WatchHearer): Promise<RedisWatch>;
  /**
   * Connects anew, where it does not do so by itself; resolves when that has come to something, or to nothing.
   * @returns `undefined`: there is nothing to wait for
   */
  revive?(): Promise<void> | undefined;
  /** Ends a connection that the store has made itself. */
  close?(): Promise<void>;
}

/** A connection that hears of changes. */
export interface RedisWatch {
  /** Which master it hears, as the counters' `origin` has it. */
  readonly origin: string;
  /** Resolves when all that was told before the question has been heard. */
  ping(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** Who is told. */
export interface WatchHearer {
  /** @param keys `null`: all there were */
  changed(keys: readonly Buffer[] | null): void;
  ended(error: unknown): void;
}
