import { AsyncLocalStorage } from 'node:async_hooks';
import { crc32 } from 'node:zlib';
import type { Peer } from '../feature.ts';
import { lifetime } from '../feature.ts';
import { connect, kilobyte, type ServerShelf } from '../redis.ts';

/**
 * No library: the least that a person would write who promises what Reprise promises of a run. A function knows from inside on whose
 * behalf it runs; who joins a flight has a promise of his own, since a result that can be read only once is not for him; a run
 * that was overtaken by an invalidation is not kept. It tells what these promises cost by themselves, see the page.
 */
export const peer: Peer = {
  name: 'by hand',
  features: {
    concurrent(fn) {
      const runs = new AsyncLocalStorage<Flight>();
      const flights = new Map<string, Promise<number>>();
      let underWay = 0;
      return (id) => {
        const flight = flights.get(id);
        if (flight !== undefined) return flight.then((value) => (isReadOnce(value) ? fn(id) : value));
        const made = runs.run(new Flight(id, 0), fn, id);
        flights.set(id, made);
        underWay++;
        const leave = (): void => {
          // While it is entered every promise of the process is dearer on Node 20 and 22.
          if (--underWay === 0) runs.disable();
        };
        made.then(leave, leave);
        return made;
      };
    },
    async evicting(fn) {
      const { LRUCache } = await import('lru-cache');
      const runs = new AsyncLocalStorage<Flight>();
      // Runs of a synchronous function are nested.
      let open: Flight | undefined;
      const known = new LRUCache<string, Kept>({ max: lifetime.maxSize });
      const counters = { generation: 0 };
      let isLeaving = false;
      const leave = (): void => {
        isLeaving = false;
        if (open === undefined) runs.disable();
      };
      return (id) => {
        const kept = known.get(id);
        if (kept !== undefined) return kept.value;
        const outer = open;
        const flight = new Flight(id, counters.generation);
        open = flight;
        try {
          const value = runs.run(flight, fn, id);
          if (flight.generation === counters.generation && !isReadOnce(value))
            known.set(id, new Kept(value, Date.now()));
          return value;
        } finally {
          open = outer;
          if (outer === undefined && !isLeaving) {
            isLeaving = true;
            queueMicrotask(leave);
          }
        }
      };
    },
    redisHit: serverShelf,
    redisTogether: serverShelf,
  },
  absent: { other: 'promises' },
};

/** All that are asked for in one tick are read together with the mark that may void them, and are bound to their key by a checksum. */
function serverShelf(): ServerShelf {
  const client = connect();
  const prefix = `hand-${process.pid}`;
  const mark = `${prefix}:mark`;
  let asked: { id: string; answer: (number: number) => void; fail: (error: unknown) => void }[] = [];
  const read = async (): Promise<void> => {
    const all = asked;
    asked = [];
    try {
      const [current, ...found] = await client.mgetBuffer(mark, ...all.map(({ id }) => `${prefix}:${id}`));
      for (const [index, { id, answer }] of all.entries()) answer(open(found[index] as Buffer, id, current as Buffer));
    } catch (error) {
      for (const { fail } of all) fail(error);
    }
  };
  return {
    async put(id) {
      const body = Buffer.from(`${id}\n1\n${JSON.stringify(kilobyte)}`);
      const head = Buffer.alloc(8);
      head.writeUInt32LE(1);
      head.writeUInt32LE(crc32(body), 4);
      await client.set(mark, head.subarray(0, 4));
      await client.set(`${prefix}:${id}`, Buffer.concat([head, body]), 'PX', lifetime.ttl);
    },
    get: (id) =>
      new Promise((answer, fail) => {
        asked.push({ id, answer, fail });
        if (asked.length === 1) process.nextTick(read);
      }),
  };
}

function open(bytes: Buffer, id: string, mark: Buffer): number {
  const body = bytes.subarray(8);
  const text = body.toString();
  const isValid = bytes.readUInt32LE() === mark.readUInt32LE() && bytes.readUInt32LE(4) === crc32(body);
  if (!isValid || !text.startsWith(`${id}\n`)) return Number.NaN;
  return (JSON.parse(text.slice(text.indexOf('{'))) as { number: number }).number;
}

class Flight {
  readonly id: string;
  readonly generation: number;

  constructor(id: string, generation: number) {
    this.id = id;
    this.generation = generation;
  }
}

class Kept {
  readonly value: number;
  readonly createdAt: number;

  constructor(value: number, createdAt: number) {
    this.value = value;
    this.createdAt = createdAt;
  }
}

function isReadOnce(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
