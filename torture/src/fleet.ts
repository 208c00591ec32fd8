import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Course, Deed, Order, Outcome, Setting, Value, Word } from './protocol.ts';
import type { Referee } from './referee.ts';

/** Nothing takes so long, in milliseconds, unless it hangs. */
const hangsAfter = 60_000;

/** How a run goes; `undefined`: it never ends. */
export type RunPlan = (item: string, worker: Worker) => Omit<Course, 'run'> | undefined;

/** The worker's program as it was built. */
const built = fileURLToPath(new URL('./worker.js', import.meta.url));

/** One process of those that share a store. */
export class Worker {
  /** Which of the fleet it is, from when it is told. */
  number = Number.NaN;
  readonly #child: ChildProcess;
  readonly #referee: Referee;
  readonly #waiting = new Map<number, (outcome: Outcome | undefined) => void>();
  readonly #ready: Promise<void>;
  readonly #ended: Promise<unknown>;
  #said = '';
  #last = 0;
  #isKilled = false;
  /** Called for each run of a function in it, before it is told how that goes. */
  onRun: ((item: string) => void) | undefined;

  constructor(program: string, referee: Referee, plan: RunPlan) {
    this.#referee = referee;
    this.#child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000);
    });
    let begin: () => void = () => {};
    this.#ready = new Promise((resolve) => {
      begin = resolve;
    });
    this.#child.on('message', (word: Word) => {
      if ('ready' in word) begin();
      else if ('report' in word) this.#report(word.report);
      else if ('run' in word) {
        this.onRun?.(word.item);
        const course = plan(word.item, this);
        referee.count('runs');
        if (course !== undefined) this.#post({ run: word.run, ...course });
      } else this.#settle(word.id, word);
    });
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      if (!this.#isKilled) {
        referee.find(`worker ${this.number} ended by itself: ${signal ?? `exit code ${code}`}\n${this.#said}`);
      }
      for (const line of this.#said.split('\n')) this.#report(line);
      this.#isKilled = true;
      begin();
      for (const id of [...this.#waiting.keys()]) this.#settle(id, undefined);
    });
  }

  get isAlive(): boolean {
    return !this.#isKilled;
  }

  /** Has it open its store. */
  async begin(setting: Setting): Promise<void> {
    this.number = setting.number;
    await this.#ready;
    const outcome = await this.#send({ deed: 'open', item: '', setting });
    if (outcome?.error !== undefined) this.#referee.find(`a throw: open failed with: ${outcome.error.message}`);
  }

  /** Has it do something. @returns what that came to; `undefined` where it was killed before */
  order(deed: Deed, item = '', value?: Value): Promise<Outcome | undefined> {
    return this.#send({ deed, item, value });
  }

  #send(order: Omit<Order, 'id'>): Promise<Outcome | undefined> {
    if (this.#isKilled) return Promise.resolve(undefined);
    const id = ++this.#last;
    const { deed, item } = order;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#referee.find(`it hangs: ${deed} ${item} in worker ${this.number}`);
        this.#settle(id, undefined);
        this.#child.kill('SIGKILL');
      }, hangsAfter);
      this.#waiting.set(id, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
      this.#post({ id, ...order });
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Ends it without a chance to tidy up; when that is done, it writes no more. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #report(text: string): void {
    // A run behind an answer has failed: that is the function's own affair.
    if (text !== '' && !text.includes('the function fails: '))
      this.#referee.count(`report: ${text.split('\n')[0]?.slice(0, 200)}`);
  }

  #post(message: Order | Course): void {
    this.#child.send(message, () => {});
  }

  #settle(id: number, outcome: Outcome | undefined): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(outcome);
  }
}

/** What the processes of a fleet have in common. */
export interface FleetSetting extends Omit<Setting, 'number'> {
  /** The worker's program; as it was built unless told. */
  readonly program?: string | undefined;
}

/** The processes of one torture, all on one place. */
export class Fleet {
  readonly #setting: Omit<Setting, 'number'>;
  readonly #program: string;
  readonly #referee: Referee;
  readonly #plan: RunPlan;
  /** By number; each takes the place of one that was killed. */
  readonly workers: Worker[] = [];
  /** Started ahead, while others are at work: they have opened nothing yet. */
  readonly #spare: Worker[] = [];

  constructor({ program = built, ...setting }: FleetSetting, referee: Referee, plan: RunPlan) {
    this.#setting = setting;
    this.#program = program;
    this.#referee = referee;
    this.#plan = plan;
  }

  /** Has so many processes ready to be started. */
  prepare(count: number): void {
    while (this.#spare.length < count) this.#spare.push(new Worker(this.#program, this.#referee, this.#plan));
  }

  /** Starts the worker of a number. */
  async start(number: number): Promise<Worker> {
    this.prepare(1);
    const worker = this.#spare.shift() as Worker;
    this.workers[number] = worker;
    await worker.begin({ ...this.#setting, number });
    this.#referee.count('processes');
    return worker;
  }

  async startAll(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, number) => this.start(number)));
  }

  /** Lets all of them close their caches, and end. */
  async close(): Promise<void> {
    await Promise.all(
      this.workers.map(async (worker) => {
        const outcome = await worker.order('close');
        if (outcome?.error !== undefined) this.#referee.find(`a throw: close failed with: ${outcome.error.message}`);
      }),
    );
    await this.killAll();
  }

  /** Ends all, those that were not needed too. */
  async killAll(): Promise<void> {
    await Promise.all([...this.workers.filter(Boolean), ...this.#spare].map((worker) => worker.kill()));
    this.#spare.length = 0;
  }
}
