import { setTimeout } from 'node:timers/promises';
import type { Worker } from './fleet.ts';
import { type Ground, makePlay } from './ground.ts';
import type { Play } from './play.ts';

type Moment = (worker: Worker, play: Play) => Promise<unknown>;

const soon = (random: () => number, most: number): Promise<unknown> => setTimeout(random() * most);

/** When a worker is killed: while it holds a lease, writes, sweeps, invalidates, or whatever it is doing. */
const moments: readonly Moment[] = [
  (_worker, { random }) => soon(random, 60),
  async (worker, { random }) => {
    const running = new Promise<void>((resolve) => {
      worker.onRun = () => resolve();
    });
    // One that is asleep may have the file locked, and sleeps until this moment is over.
    await Promise.race([worker.order('invalidate', 'plain a'), setTimeout(1_000)]);
    void worker.order('call', 'plain a');
    await Promise.race([running, setTimeout(1_000)]);
    await soon(random, 2);
  },
  (worker, { random }) => {
    void worker.order('churn', 'plain a');
    return soon(random, 15);
  },
  (worker, { random }) => {
    void worker.order('prune');
    return soon(random, 5);
  },
  (worker, play) => {
    void play.change(worker, ['plain b'], 'invalidate');
    void play.change(worker, ['stale b'], 'tag');
    return soon(play.random, 3);
  },
];

/** Whatever is acknowledged stays, and no write is refused. */
const strict = { keeps: true, mayRefuse: false };

const momentOf = (play: Play): Moment => moments[Math.floor(play.random() * moments.length)] as Moment;

/** One process after the other, each of which is killed at work; the next one reads what there is, and goes on. */
export async function killOneByOne(ground: Ground, rounds: number): Promise<void> {
  const play = makePlay(ground, { leaseDuration: 250, ...strict });
  for (let round = 1; round <= rounds; round++) {
    const worker = await play.fleet.start(round);
    if (round < rounds) play.fleet.prepare(1);
    await play.readAll(worker);
    const clients = Array.from({ length: 4 }, () => play.beClient(worker, () => false));
    await play.afterSteps(20 + Math.floor(play.random() * 100));
    await momentOf(play)(worker, play);
    await worker.kill();
    await Promise.all(clients);
    ground.referee.count('kills');
    ground.say(`killed alone: ${round} of ${rounds}`);
  }
}

/**
 * Several processes at once; in each round every one of them is killed and started anew, a few at a time, while the others go on. Then
 * they miss together.
 */
export async function killTogether(ground: Ground, rounds: number, processes: number): Promise<void> {
  const { referee, random } = ground;
  const play = makePlay(ground, { leaseDuration: 2_000, ...strict });
  const { fleet } = play;
  const clients: Promise<void>[] = [];
  let isOver = false;
  const work = (worker: Worker): void => {
    for (let client = 0; client < 2; client++) clients.push(play.beClient(worker, () => isOver));
  };
  await fleet.startAll(processes);
  for (const worker of fleet.workers) work(worker);
  for (let round = 1; round <= rounds; round++) {
    const left = Array.from({ length: processes }, (_, number) => number).sort(() => random() - 0.5);
    while (left.length > 0) {
      const victims = left.splice(0, 1 + Math.floor(random() * processes * 0.75));
      fleet.prepare(victims.length);
      await play.afterSteps(20 + Math.floor(random() * 100));
      const asleep = fleet.workers[left[0] ?? -1];
      asleep?.signal('SIGSTOP');
      await Promise.all(
        victims.map(async (number) => {
          const worker = fleet.workers[number] as Worker;
          await momentOf(play)(worker, play);
          await worker.kill();
          referee.count('kills');
        }),
      );
      asleep?.signal('SIGCONT');
      for (const worker of await Promise.all(victims.map((number) => fleet.start(number)))) work(worker);
    }
    ground.say(`killed among ${processes}: ${round * processes} of ${rounds * processes}`);
  }
  isOver = true;
  await Promise.all(clients);
  for (const worker of fleet.workers) await play.readAll(worker);
  await missTogether(ground, play, rounds);
  await fleet.close();
}

/** Nobody invalidates: all that miss together make one run; and one more where its holder is killed. */
async function missTogether({ referee, say }: Ground, play: Play, rounds: number): Promise<void> {
  const { workers } = play.fleet;
  const callAll = (item: string, callers: readonly Worker[]): Promise<unknown> =>
    Promise.all(
      callers.flatMap((worker) => [play.call(worker, item), play.call(worker, item), play.call(worker, item)]),
    );
  const expectRuns = (item: string, expected: number): void => {
    const runs = referee.runs.get(item) ?? 0;
    referee.count('misses together');
    if (runs !== expected) referee.find(`not one flight: ${runs} runs of ${item}, not ${expected}`);
  };
  for (let round = 0; round < 2 * rounds; round++) {
    const item = `plain herd ${round}`;
    // The last one takes longer than the lease that it is run under.
    const delay = round === 2 * rounds - 1 ? 3_000 : 20;
    play.plan = (asked) => ({ value: referee.valueNow(asked), delay, fails: false });
    await callAll(item, workers);
    expectRuns(item, 1);
  }
  for (let round = 0; round < rounds; round++) {
    const item = `plain orphan ${round}`;
    const holder = workers[round % workers.length] as Worker;
    const others = workers.filter((worker) => worker !== holder);
    const holding = new Promise<void>((resolve) => {
      holder.onRun = () => resolve();
    });
    play.plan = (asked, worker) => {
      const value = referee.valueNow(asked);
      return worker === holder ? undefined : { value, delay: 20, fails: false };
    };
    const lost = callAll(item, [holder]);
    await holding;
    const waiting = callAll(item, others);
    await holder.kill();
    referee.count('kills');
    await Promise.all([lost, waiting]);
    expectRuns(item, 2);
    await play.fleet.start(holder.number);
    say(`holders killed: ${round + 1} of ${rounds}`);
  }
}
