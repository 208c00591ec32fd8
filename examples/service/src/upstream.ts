import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the upstream knows. */
export interface Product {
  readonly id: string;
  readonly price: number;
}

/**
 * A slow HTTP service on loopback: `GET /products/<id>` and `PUT /products/<id>`. A read looks the product up when it
 * arrives and answers `latency` milliseconds later, so a write can happen in between; a write is answered at once.
 */
export class Upstream {
  /** How many requests have arrived. */
  requests = 0;
  /** While true, every read is answered with a 503, as slowly as the others. */
  failing = false;
  readonly #latency: number;
  readonly #products = new Map<string, Product>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

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

  /** Resolves when the next request has arrived. */
  async nextRequest(): Promise<void> {
    await once(this.#server, 'request');
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const id = (request.url ?? '').replace('/products/', '');
    if (request.method === 'PUT') {
      const chunks: Buffer[] = await request.toArray();
      this.#products.set(id, JSON.parse(Buffer.concat(chunks).toString()) as Product);
      response.writeHead(204).end();
      return;
    }
    const product = this.#products.get(id);
    const { failing } = this;
    await delay(this.#latency);
    if (failing) response.writeHead(503).end();
    else if (product) response.end(JSON.stringify(product));
    else response.writeHead(404).end();
  }
}
