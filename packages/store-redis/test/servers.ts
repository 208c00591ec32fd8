import { afterAll, expect, it } from '@jest/globals';
import { hasRedisServer, type OwnRedisServer, startRedisServer } from '@reprise/store-testkit';
import { Redis } from 'ioredis';

const server = hasRedisServer() ? await startRedisServer() : undefined;

/** Runs tests on a server of their own; where there is none, says so, which continuous integration does not accept. */
export function onServer(what: string, tests: (server: OwnRedisServer) => void): void {
  if (server !== undefined) {
    tests(server);
    afterAll(() => server.stop());
    return;
  }
  console.warn(`not run: ${what}, for want of a redis-server`);
  it(`${what}: not run for want of a redis-server, which continuous integration must have`, () => {
    expect(process.env['CI']).toBeUndefined();
  });
}

/** Clients that end with the tests of a file. */
export function makeClients(): (port: number, options?: object) => Redis {
  const clients: Redis[] = [];
  afterAll(() => {
    for (const client of clients) client.disconnect();
  });
  return (port, options = {}) => {
    const client = new Redis(port, '127.0.0.1', options);
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
}

let places = 0;

/** A prefix that no other test has. */
export function newPrefix(): string {
  return `test-${process.pid}-${++places}`;
}
