import { describe, expect, it } from '@jest/globals';

/** A suite that needs a server. Where there is none it says so in one line, and holds; with CI=1 it fails. */
export function withServer(name: string, isThere: boolean, define: () => void): void {
  describe(name, () => {
    if (isThere) {
      define();
      return;
    }
    it('was not run: its server is not on this machine (with CI=1 it has to be)', () => {
      process.stderr.write(`${name}: not run, its server is not on this machine\n`);
      expect(process.env['CI']).not.toBe('1');
    });
  });
}
