import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the upstream knows of a product. */
export interface Product {
  readonly id: string;
  readonly name: string;
  /** In grams. */
  readonly weight: number;
}

/**
 * The slow service behind the catalogue, over HTTP on loopback: `GET` and `PUT /products/<id>`, `GET /countries`,
 * `GET /prices/<tenant>/<id>`. A read looks up what it answers when it arrives, and answers `latency` milliseconds
 * later, so a write can happen in between. Writes are answered at once.
 */
export class Upstream {
  readonly #latency: number;
  readonly #products = new Map<string, Product>();
  readonly #requests: string[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #gate: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(latency: number, products: readonly Product[]) {
    this.#latency = latency;
    for (const product of products) this.#products.set(product.id, product);
  }

  /** @returns the address to reach it at */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many requests have arrived whose path begins so. */
  countRequests(path = '/'): number {
    return this.#requests.filter((request) => request.startsWith(path)).length;
  }

  /** Resolves when the next request has arrived. */
  async nextRequest(): Promise<void> {
    await once(this.#server, 'request');
  }

  /** Lets reads that arrive from now on wait; returns how to let them go. */
  hold(): () => void {
    let release = (): void => {};
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** While true, every read is answered with a 503. */
  set failing(failing: boolean) {
    this.#failing = failing;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    this.#requests.push(path);
    if (request.method === 'PUT') {
      const body = Buffer.concat(await request.toArray()).toString();
      const product = JSON.parse(body) as Product;
      this.#products.set(product.id, product);
      response.writeHead(204).end();
      return;
    }
    const found = this.#failing ? undefined : this.#lookUp(path);
    const status = this.#failing ? 503 : found === undefined ? 404 : 200;
    await this.#gate;
    await delay(this.#latency);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? null));
  }

  #lookUp(path: string): unknown {
    const [, collection, first = '', second = ''] = path.split('/');
    if (collection === 'countries') return ['Chad', 'Peru'];
    if (collection === 'products') return this.#products.get(first);
    // Every tenant has prices of its own.
    if (collection === 'prices') return { tenant: first, product: second, cents: (first.length + second.length) * 100 };
    return undefined;
  }
}
