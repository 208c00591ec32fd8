import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasRedisServer, type OwnRedisServer, startRedisServer } from '@reprise/store-testkit';

/**
 * A suite that needs `redis-server`, and gets one of its own. Where that is not installed the suite says so in one line, and holds;
 * with CI=1 it fails.
 */
export function withServer(
  name: string,
  define: (server: () => OwnRedisServer) => void,
  start: () => Promise<OwnRedisServer> = startRedisServer,
): void {
  describe(name, () => {
    if (!hasRedisServer()) {
      it('was not run: redis-server is not on this machine (with CI=1 it has to be)', () => {
        process.stderr.write(`${name}: not run, redis-server is not on this machine\n`);
        expect(process.env['CI']).not.toBe('1');
      });
      return;
    }
    let server: OwnRedisServer;
    beforeAll(async () => {
      server = await start();
    });
    define(() => server);
    // After those of the suite, which close its clients.
    afterAll(() => server.stop());
  });
}
