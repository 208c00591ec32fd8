import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import type { Tracker } from '@reprise/store';
import type { Argument, RedisWatch, Reply } from './client.ts';
import { type KeySpace, tagOf } from './key-space.ts';
import { makeMark } from './marks.ts';
import { echoScript } from './scripts.ts';
import type { Server } from './server.ts';
import { parseState, type State } from './state.ts';

/** How often the connection is asked whether it is there: one that is half-open says nothing by itself. */
const beat = 25;
/** What is not answered for so long is not there. */
const patience = 75;
/** What is not heard of for so long when tracking begins is not told at all. */
const echoPatience = 1_000;
const firstPause = 50;
const longestPause = 2_000;

/** What was known of the server's counters when everything was told last. */
interface Known {
  readonly state: State | undefined;
  /** The epoch up to which labels were told. */
  readonly tags: number;
  /** What the set of labels does not know. */
  readonly floor: number;
}

interface Read extends Known {
  readonly voided: readonly (string | undefined)[];
}

/**
 * Tells who asks of every change in Redis, by client tracking: the server names each key under our prefix that changes, on one
 * connection that is this store's alone. Trust lasts as long as that connection answers, and begins anew only when tracking is on again and
 * the counters have been read anew.
 */
export class Tracking {
  readonly #server: Server;
  readonly #keys: KeySpace;
  readonly #failed: (error: unknown) => void;
  readonly #trackers = new Set<Tracker>();
  #watch: RedisWatch | undefined;
  #known: Known | undefined;
  /** Counts connections: what belongs to an earlier one has nothing to say. */
  #round = 0;
  #heardAt = 0;
  /** When the last question was sent that the connection has answered. */
  #pinged = 0;
  #pause = firstPause;
  #timer: NodeJS.Timeout | undefined;
  /** Resolves what waits for the first change that is heard of. */
  #echoed: (() => void) | undefined;
  #isAsking = false;
  #isAskedAgain = false;

  constructor(server: Server, keys: KeySpace, failed: (error: unknown) => void) {
    this.#server = server;
    this.#keys = keys;
    this.#failed = failed;
  }

  add(tracker: Tracker): () => void {
    // Wrapped: the same one may come twice, and leave once.
    const member: Tracker = {
      changed: (key) => tracker.changed(key),
      cleared: (prefix) => tracker.cleared(prefix),
      tagsInvalidated: (tags) => tracker.tagsInvalidated(tags),
      trusted: (isTrusted) => tracker.trusted(isTrusted),
      heard: (at) => tracker.heard(at),
    };
    this.#trackers.add(member);
    if (this.#trackers.size === 1) this.#open();
    else if (this.#known !== undefined) {
      member.trusted(true);
      member.heard(this.#heardAt);
    }
    return () => {
      if (!this.#trackers.delete(member)) return;
      member.trusted(false);
      if (this.#trackers.size === 0) this.close();
    };
  }

  /** Nobody is told any more. */
  close(): void {
    this.#round++;
    clearTimeout(this.#timer);
    this.#distrust();
    this.#watch?.close();
    this.#watch = undefined;
  }

  #open(): void {
    const round = ++this.#round;
    this.#connect(round).catch((error: unknown) => this.#fail(round, error));
  }

  async #connect(round: number): Promise<void> {
    const watch = await this.#server.watch(this.#keys.tracked, {
      changed: (keys) => {
        if (round === this.#round) this.#hear(keys);
      },
      ended: (error) => this.#fail(round, error),
    });
    if (round !== this.#round) return watch.close();
    this.#watch = watch;
    const asked = performance.now();
    const { turn } = this.#server;
    await this.#server.begin('read the counters', makeMark());
    // Both connections have been made by themselves: what one server tells says nothing of what the other one has.
    if (this.#server.origin !== watch.origin) throw new Error('its connection leads to another server');
    await this.#hearEcho();
    const known = await this.#read();
    if (round !== this.#round) return;
    this.#known = known;
    this.#pause = firstPause;
    this.#heardAt = asked;
    this.#tell((tracker) => {
      tracker.trusted(true);
      tracker.heard(asked);
    });
    this.#beat(round, watch, turn);
  }

  /** A client that is not told of a change never says so: it has to hear of one first. */
  async #hearEcho(): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const heard = new Promise<void>((resolve, reject) => {
      this.#echoed = resolve;
      limit = setTimeout(() => reject(new Error('it hears nothing of a change that was made')), echoPatience).unref();
    });
    try {
      await Promise.all([heard, this.#server.run('be told of changes', echoScript, [], [])]);
    } finally {
      this.#echoed = undefined;
      clearTimeout(limit);
    }
  }

  /** Asks again and again whether the connection is there. */
  #beat(round: number, watch: RedisWatch, turn: number | undefined): void {
    const asked = performance.now();
    let isAnswered = false;
    const look = (): void => {
      if (round !== this.#round) return;
      if (turn !== this.#server.turn) this.#fail(round, new Error('the store itself has been connected anew'));
      else if (isAnswered) this.#beat(round, watch, turn);
      else if (performance.now() - asked < patience) this.#timer = setTimeout(look, beat).unref();
      // The answer may have come while this process was busy: it is read before this is.
      else setImmediate(() => (isAnswered ? look() : this.#fail(round, new Error('its connection does not answer'))));
    };
    watch.ping().then(
      () => {
        isAnswered = true;
        this.#pinged = asked;
        // While the counters are being asked, what was told has not been acted on.
        if (!this.#isAsking) this.#hearAll(round, asked);
      },
      (error: unknown) => this.#fail(round, error),
    );
    this.#timer = setTimeout(look, beat).unref();
  }

  /** What was told before the question was asked has been heard, and acted on. */
  #hearAll(round: number, asked: number): void {
    if (round !== this.#round || this.#known === undefined || asked <= this.#heardAt) return;
    this.#heardAt = asked;
    this.#tell((tracker) => tracker.heard(asked));
  }

  #fail(round: number, error: unknown): void {
    if (round !== this.#round || this.#trackers.size === 0) return;
    this.#round++;
    this.#distrust();
    this.#watch?.close();
    this.#watch = undefined;
    this.#failed(error);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }

  #distrust(): void {
    this.#known = undefined;
    for (const tracker of this.#trackers) tracker.trusted(false);
  }

  /** @param keys what has changed; `null`: all there was */
  #hear(keys: readonly Buffer[] | null): void {
    if (keys === null) {
      this.#tell((tracker) => tracker.cleared(''));
      this.#ask();
      return;
    }
    let areCountersMeant = false;
    for (const name of keys) {
      areCountersMeant ||= this.#keys.isCounter(name);
      const key = this.#keys.isEntry(name) ? this.#keys.keyOf(name) : undefined;
      if (key !== undefined) this.#tell((tracker) => tracker.changed(key));
    }
    if (!areCountersMeant) return;
    this.#echoed?.();
    this.#ask();
  }

  /** Labels or beginnings have been invalidated: which, the counters say. Who cannot be told in time must not be trusted. */
  #ask(): void {
    this.#isAskedAgain = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askOn().finally(() => {
      this.#isAsking = false;
    });
  }

  async #askOn(): Promise<void> {
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      const round = this.#round;
      const pinged = this.#pinged;
      const limit = setTimeout(
        () => this.#fail(round, new Error('its counters were not answered in time')),
        patience,
      ).unref();
      try {
        const before = this.#known;
        // It is on its way for the first time: what it brings is newer.
        if (before === undefined) continue;
        const known = await this.#read(before.tags);
        if (round !== this.#round) continue;
        this.#known = known;
        this.#compare(before, known);
        this.#hearAll(round, pinged);
      } catch (error) {
        this.#fail(round, error);
      } finally {
        clearTimeout(limit);
      }
    }
  }

  #compare(before: Known, { state, floor, voided }: Read): void {
    const tags = voided.filter((tag) => tag !== undefined);
    const isLost = state?.mark !== before.state?.mark || state?.cleared !== before.state?.cleared;
    if (isLost || floor !== before.floor || tags.length < voided.length) {
      this.#tell((tracker) => tracker.cleared(''));
      return;
    }
    if (tags.length > 0) this.#tell((tracker) => tracker.tagsInvalidated(tags));
    for (const { epoch, idPrefix } of state?.pending ?? []) {
      if (before.state?.pending.some((one) => one.epoch === epoch && one.idPrefix.equals(idPrefix))) continue;
      const prefix = this.#keys.prefixOf(idPrefix);
      if (prefix !== undefined) this.#tell((tracker) => tracker.cleared(prefix));
    }
  }

  /** @param since up to which epoch labels have been told; without it none are asked for */
  async #read(since?: number): Promise<Read> {
    const { state: name, tagFences } = this.#keys;
    const what = 'read the counters';
    const send = (command: string, ...args: Argument[]): Promise<Reply> =>
      this.#server.send(what, command, [tagFences, ...args, 'WITHSCORES']);
    const [value, found, lowest] = await Promise.all([
      this.#server.send(what, 'GET', [name]),
      since === undefined ? send('ZREVRANGE', '0', '0') : send('ZRANGEBYSCORE', `(${since}`, '+inf'),
      send('ZRANGE', '0', '0'),
    ]);
    const state = parseState(Buffer.isBuffer(value) ? value : null);
    const [first] = scoresIn(lowest);
    const newer = scoresIn(found);
    const isMark = (member: Buffer): boolean => member.toString('latin1') === state?.mark;
    return {
      state,
      tags: Math.max(since ?? 0, ...newer.map(({ score }) => score)),
      // The mark stands first: nothing in the set is older than its floor.
      floor: first !== undefined && isMark(first.member) ? first.score : Infinity,
      voided: newer.filter(({ member }) => !isMark(member)).map(({ member }) => tagOf(member)),
    };
  }

  #tell(tell: (tracker: Tracker) => void): void {
    for (const tracker of this.#trackers) {
      try {
        tell(tracker);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

/** Members of a sorted set with their scores: one after the other, or in pairs, as the protocol's version has it. */
function scoresIn(reply: Reply): readonly { readonly member: Buffer; readonly score: number }[] {
  const flat = (reply as readonly unknown[]).flat();
  const scores: { member: Buffer; score: number }[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    scores.push({ member: flat[index] as Buffer, score: Number(String(flat[index + 1])) });
  }
  return scores;
}
