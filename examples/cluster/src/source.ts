import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Product {
  readonly id: string;
  readonly price: number;
}

/** Where the truth is: slow, and counting what it is asked. */
export class Source {
  readonly #prices = new Map<string, number>();
  readonly #server: Server;
  reads = 0;

  /** @param latency how long a read takes, in milliseconds */
  constructor(products: readonly string[], latency: number) {
    for (const id of products) this.#prices.set(id, 100);
    this.#server = createServer(async (request, response) => {
      const id = request.url?.slice(1) ?? '';
      if (request.method === 'PUT') {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        this.#prices.set(id, Number(body));
        response.end();
        return;
      }
      this.reads++;
      const price = this.#prices.get(id);
      await pause(latency);
      response.statusCode = price === undefined ? 404 : 200;
      response.end(JSON.stringify({ id, price }));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
