import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { Catalog } from './catalog.ts';

/** What a worker is told by the process that has started it. */
export interface Task {
  readonly source: string;
  readonly redis: string;
  readonly run: string;
}

/** One worker: GET and PUT of /products/<id>, and its tally to the primary whenever that asks. */
export function work({ source, redis, run }: Task): void {
  const client = new Redis(redis);
  client.on('error', (error) => console.error(`worker ${process.pid}: ${error.message}`));
  const catalog = new Catalog(source, client, run);
  const server = createServer(async (request, response) => {
    const id = request.url?.split('/').at(-1) ?? '';
    try {
      if (request.method === 'PUT') {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        await catalog.setPrice(id, Number(body));
        response.end();
      } else response.end(JSON.stringify(await catalog.find(id)));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  // Any free port, the same one for all workers: the primary has it and hands out connections.
  server.listen(Number(process.env['EXAMPLE_PORT']), '127.0.0.1', () => process.send?.('ready'));
  process.on('message', async (message) => {
    if (message === 'tally') process.send?.(catalog.tally());
    if (message !== 'stop') return;
    server.close();
    server.closeAllConnections();
    await catalog.close();
    client.disconnect();
    process.disconnect();
  });
}
