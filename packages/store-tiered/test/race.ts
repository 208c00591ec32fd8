import { memoryStore } from '@reprise/store-memory';
import { seededRandom } from '@reprise/store-testkit';
import { tieredStore } from '../src/index.ts';
import { FarStore, type Version } from './far.ts';

const keys = ['a/1', 'a/2', 'b/1'];
const steps = 120;

/** Lets everything that is ready go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Plays one random history of three processes, each with a tier of its own in front of one far store, and judges each answer:
 *
 * - it is no older than what the process itself has finished on that key, nor than what it had been told of before the question;
 * - while nothing is told, it is no older than the far store was at the question.
 *
 * @returns what was wrong, with the history; `undefined`: nothing
 */
export async function play(seed: number): Promise<string | undefined> {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const far = new FarStore();
  const history: string[] = [];
  let wrong: string | undefined;
  const processes = ['A', 'B', 'C'].map((name) => {
    const client = far.connect();
    const store = tieredStore(memoryStore({ maxSize: pick([2, 100]) }), client);
    /** The oldest version that may be answered. */
    const floor = new Map<string, number>(keys.map((key) => [key, 0]));
    const raise = (key: string, version = far.versions.get(key) ?? 0): void => {
      floor.set(key, Math.max(floor.get(key) ?? 0, version));
    };
    return { name, client, store, floor, raise, isTold: false };
  });
  type Process = (typeof processes)[number];
  const raiseAll = ({ raise }: Process): void => {
    for (const key of keys) raise(key);
  };
  for (const process of processes) {
    process.client.arrived = (key) => process.raise(key, toldVersions.get(process)?.get(key)?.shift());
  }
  /** The versions behind the news under way, in order. */
  const toldVersions = new Map<Process, Map<string, number[]>>(processes.map((process) => [process, new Map()]));
  const { change } = far;
  far.change = (key, entry) => {
    change.call(far, key, entry);
    for (const process of processes) {
      if (!process.client.isConnected) continue;
      const versions = toldVersions.get(process) as Map<string, number[]>;
      versions.set(key, [...(versions.get(key) ?? []), far.versions.get(key) as number]);
    }
  };

  const read = async (process: Process, key: string): Promise<void> => {
    if (!process.isTold) process.raise(key);
    const oldest = process.floor.get(key) as number;
    const entry = await process.store.get(key);
    const version = (entry?.value as Version | undefined)?.number;
    const note = `${process.name}: ${key} is ${version === undefined ? 'not there' : `version ${version}`}`;
    history.push(note);
    if (version !== undefined && version < oldest) wrong ??= `${note}, and must not be older than ${oldest}`;
  };
  const now = Date.now();
  const moments = { createdAt: now, expiresAt: now + 3_600_000, staleUntil: now + 3_600_000 };
  const write = async (process: Process, key: string): Promise<void> => {
    await process.store.set(key, { value: { number: 0 }, ...moments });
    process.raise(key, finished.get(process)?.get(key));
  };
  /** The version that a process's own change had when it arrived. */
  const finished = new Map<Process, Map<string, number>>(processes.map((process) => [process, new Map()]));
  const noteArrival = (process: Process, what: string): void => {
    const [verb, prefix = ''] = what.split(' ');
    if (verb === 'get') return;
    for (const key of keys) {
      if (verb === 'clear' ? key.startsWith(prefix) : key === prefix) {
        finished.get(process)?.set(key, far.versions.get(key) ?? 0);
      }
    }
  };
  const remove = async (process: Process, key: string): Promise<void> => {
    await process.store.delete(key);
    process.raise(key, finished.get(process)?.get(key));
  };
  const clear = async (process: Process, prefix: string): Promise<void> => {
    await process.store.clear(prefix);
    for (const key of keys) if (key.startsWith(prefix)) process.raise(key, finished.get(process)?.get(key));
  };

  const parcelsOf = ({ client }: Process): { readonly from: string; run: () => void }[] => {
    const { requests, replies, messages } = client;
    return [
      ...(requests.length > 0 ? [{ from: 'requests', run: () => requests.shift()?.arrive() }] : []),
      ...(replies.length > 0 ? [{ from: 'replies', run: () => replies.shift()?.arrive() }] : []),
      ...(messages.length > 0 ? [{ from: 'messages', run: () => messages.shift()?.arrive() }] : []),
    ];
  };

  const running: Promise<void>[] = [];
  for (let step = 0; step < steps && wrong === undefined; step++) {
    const process = pick(processes);
    const chance = random();
    const [first] = process.client.requests;
    const parcels = parcelsOf(process);
    if (chance < 0.6 && parcels.length > 0) {
      const parcel = pick(parcels);
      const message = process.client.messages[0]?.what;
      history.push(`${process.name}: ${parcel.from} arrive`);
      parcel.run();
      if (parcel.from === 'requests') noteArrival(process, first?.what ?? '');
      if (parcel.from === 'messages' && message === 'trust') {
        process.isTold = true;
        raiseAll(process);
      }
    } else if (chance < 0.64 && process.client.isConnected) {
      history.push(`${process.name}: loses its connection`);
      process.client.lose();
      process.isTold = false;
      toldVersions.get(process)?.clear();
    } else if (chance < 0.72 && !process.client.isConnected) {
      history.push(`${process.name}: connects`);
      process.client.connect();
    } else if (chance < 0.9) running.push(read(process, pick(keys)));
    else if (chance < 0.95) running.push(write(process, pick(keys)));
    else if (chance < 0.98) running.push(remove(process, pick(keys)));
    else running.push(clear(process, pick(['', 'a/', 'b/'])));
    await settle();
  }
  for (let left = true; left; ) {
    left = false;
    for (const process of processes) {
      const [first] = process.client.requests;
      for (const parcel of parcelsOf(process)) {
        left = true;
        parcel.run();
        if (parcel.from === 'requests') noteArrival(process, first?.what ?? '');
      }
    }
    await settle();
  }
  await Promise.all(running);
  return wrong === undefined ? undefined : `${wrong}\n${history.join('\n')}`;
}
