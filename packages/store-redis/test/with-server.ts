import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasRedisServer, type OwnRedisServer, startRedisServer } from '@reprise/store-testkit';

/**
 * A suite that needs `redis-server`, and gets one of its own. Where that is not installed the suite says so in one line, and holds;
 * with CI=1 it fails.
 */
export function withServer(name: string, define: (server: () => OwnRedisServer) => void): void {
  withServers(name, define, startRedisServer);
}

/** The same with what is made of several servers. */
export function withServers<Servers extends { stop(): Promise<void> }>(
  name: string,
  define: (servers: () => Servers) => void,
  start: () => Promise<Servers>,
): void {
  describe(name, () => {
    if (!hasRedisServer()) {
      it('was not run: redis-server is not on this machine (with CI=1 it has to be)', () => {
        process.stderr.write(`${name}: not run, redis-server is not on this machine\n`);
        expect(process.env['CI']).not.toBe('1');
      });
      return;
    }
    let servers: Servers;
    beforeAll(async () => {
      servers = await start();
    });
    define(() => servers);
    // After those of the suite, which close its clients.
    afterAll(() => servers.stop());
  });
}
