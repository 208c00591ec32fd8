import type { Fleet, RunPlan, Worker } from './fleet.ts';
import type { Deed, Outcome } from './protocol.ts';
import type { Referee } from './referee.ts';

/** What may happen in a play. */
export interface Rules {
  /** Milliseconds; some runs take longer. */
  readonly leaseDuration: number;
  /** Whether values are set by hand, kept, and looked for: only where nothing takes what was acknowledged. */
  readonly keeps: boolean;
  /** Whether the store may refuse an invalidation, by a `StoreError`, because its place cannot be written. */
  readonly mayRefuse: boolean;
}

const items = ['plain a', 'plain b', 'plain c', 'stale a', 'stale b', 'stale c'];
const keptItems = ['kept a', 'kept b', 'kept c', 'kept d', 'kept e'];

/** Random deeds of many clients, all of them judged. */
export class Play {
  readonly fleet: Fleet;
  readonly referee: Referee;
  readonly random: () => number;
  readonly #rules: Rules;
  readonly #watching = new Set<() => void>();
  #steps = 0;
  #version = 0;

  constructor(makeFleet: (plan: RunPlan) => Fleet, referee: Referee, random: () => number, rules: Rules) {
    this.referee = referee;
    this.random = random;
    this.#rules = rules;
    this.fleet = makeFleet((item, worker) => this.plan(item, worker));
  }

  /** How a run goes. */
  plan: RunPlan = (item, worker) => {
    const chance = this.random();
    const { leaseDuration } = this.#rules;
    const delay = chance < 0.7 ? 0 : chance < 0.98 ? this.#pick(30) : leaseDuration + this.#pick(leaseDuration);
    return { value: this.referee.valueNow(item, worker.number), delay, fails: this.random() < 0.07 };
  };

  #pick(count: number): number {
    return Math.floor(this.random() * count);
  }

  #one<Item>(list: readonly Item[]): Item {
    return list[this.#pick(list.length)] as Item;
  }

  /** When all clients together have done so many things more. */
  async afterSteps(count: number): Promise<void> {
    const end = this.#steps + count;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#steps < end) return;
        this.#watching.delete(look);
        resolve();
      };
      this.#watching.add(look);
    });
  }

  /** One client of a worker: does one thing after the other until it is over, or the worker is gone. */
  async beClient(worker: Worker, isOver: () => boolean): Promise<void> {
    while (!isOver() && worker.isAlive) {
      await this.#step(worker);
      this.#steps++;
      for (const look of [...this.#watching]) look();
    }
  }

  async #step(worker: Worker): Promise<void> {
    const chance = this.random();
    const item = this.#one(items);
    if (chance < 0.5) return this.call(worker, item);
    if (chance < 0.54) return this.call(worker, item, 'refresh');
    if (chance < 0.63) return this.change(worker, [item], 'invalidate');
    if (chance < 0.7) return this.change(worker, [item], 'tag');
    if (chance < 0.72)
      return this.change(
        worker,
        items.filter((each) => each.startsWith(item.slice(0, 5))),
        'clear',
      );
    if (chance < 0.75) return this.#upkeep(worker, this.random() < 0.5 ? 'prune' : 'churn');
    if (!this.#rules.keeps) return this.call(worker, item);
    if (chance < 0.81) return this.change(worker, [item], 'set');
    if (chance < 0.9) return this.#keep(worker, this.#one(keptItems));
    return this.recall(worker, this.#one(keptItems));
  }

  async call(worker: Worker, item: string, deed: 'call' | 'refresh' = 'call'): Promise<void> {
    const judge = this.referee.begin(item, deed, worker.number);
    const outcome = await worker.order(deed, item);
    if (outcome !== undefined) judge(outcome);
  }

  /** Changes items, and makes that known by one worker. */
  async change(
    worker: Worker,
    changed: readonly string[],
    deed: 'invalidate' | 'tag' | 'clear' | 'set',
  ): Promise<void> {
    const change = this.referee.change(changed, deed);
    if (change === undefined) return;
    const item = changed[0] as string;
    const value = deed === 'set' ? this.referee.versionOf(item, change.versions[0] as number) : undefined;
    const told = `${deed} for version ${change.versions[0]} by ${worker.number}`;
    this.referee.note(item, `${told} begins`);
    const outcome = await worker.order(deed, item, value);
    const how = outcome === undefined ? 'is cut off' : outcome.error === undefined ? 'ends' : 'is refused';
    this.referee.note(item, `${told} ${how}`);
    change.finish(outcome !== undefined && outcome.error === undefined);
    this.#judgeWrite(deed, item, outcome);
  }

  async #upkeep(worker: Worker, deed: Deed): Promise<void> {
    this.#judgeWrite(deed, '', await worker.order(deed, this.#one(items)));
  }

  async #keep(worker: Worker, item: string): Promise<void> {
    const keeping = this.referee.keep(item, ++this.#version);
    if (keeping === undefined) return;
    const outcome = await worker.order('keep', item, keeping.value);
    keeping.finish(outcome !== undefined && outcome.error === undefined);
    this.#judgeWrite('keep', item, outcome);
  }

  async recall(worker: Worker, item: string): Promise<void> {
    const judge = this.referee.recall(item);
    judge?.(await worker.order('recall', item));
  }

  /** Everything that there may be, once, by one worker. */
  async readAll(worker: Worker): Promise<void> {
    for (const item of items) await this.call(worker, item);
    if (this.#rules.keeps) for (const item of keptItems) await this.recall(worker, item);
  }

  #judgeWrite(deed: Deed, item: string, outcome: Outcome | undefined): void {
    const error = outcome?.error;
    if (error === undefined) return;
    if (this.#rules.mayRefuse && error.name === 'StoreError') this.referee.count('writes refused in words');
    else this.referee.find(`a throw: ${deed} ${item} failed with ${error.name}: ${error.message}`);
  }
}
