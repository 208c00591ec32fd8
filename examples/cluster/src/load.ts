import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Product } from './source.ts';

/** For how long another worker may answer with what has been invalidated: that is promised. */
const promised = 100;

/** Readers and one writer, who remembers what it has made true and when. */
export class Load {
  readonly #port: number;
  readonly #products: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Prices by product, each with the moment at which its write had finished; newest last. */
  readonly #written = new Map<string, { readonly price: number; readonly at: number }[]>();
  #price = 100;
  #isOn = true;
  reads = 0;
  writes = 0;
  failures = 0;
  /** Answers that were older than promised. */
  stale = 0;

  constructor(port: number, products: readonly string[]) {
    this.#port = port;
    this.#products = products;
  }

  /** @param readers how many ask at once, each as soon as it has its answer */
  async run(readers: number, milliseconds: number): Promise<void> {
    const readings = Array.from({ length: readers }, () => this.#read());
    const writing = this.#write();
    await pause(milliseconds);
    this.#isOn = false;
    await Promise.all([...readings, writing]);
    this.#agent.destroy();
  }

  async #read(): Promise<void> {
    while (this.#isOn) {
      const id = this.#pick();
      const begun = performance.now();
      try {
        const product = JSON.parse(await this.#send('GET', id)) as Product;
        this.reads++;
        const due = this.#written.get(id)?.findLast(({ at }) => at + promised <= begun);
        if (due !== undefined && product.price < due.price) this.stale++;
      } catch {
        this.failures++;
      }
    }
  }

  async #write(): Promise<void> {
    while (this.#isOn) {
      await pause(100);
      const id = this.#pick();
      const price = ++this.#price;
      try {
        await this.#send('PUT', id, String(price));
        this.#written.set(id, [...(this.#written.get(id) ?? []), { price, at: performance.now() }]);
        this.writes++;
      } catch {
        this.failures++;
      }
    }
  }

  /** A few products are asked for most of the time, as it is in shops. */
  #pick(): string {
    return this.#products[Math.floor(this.#products.length * Math.random() ** 3)] as string;
  }

  #send(method: string, id: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port: this.#port, path: `/products/${id}`, method, agent: this.#agent },
        async (response) => {
          let text = '';
          for await (const chunk of response) text += String(chunk);
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(text));
        },
      );
      asked.once('error', reject);
      asked.end(body);
    });
  }
}
