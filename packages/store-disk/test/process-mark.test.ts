import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { formatMark, isDead, ownMark, parseMark } from '../src/process-mark.ts';

describe('the mark of a process', () => {
  it('is in the name of a file, and read from it again', () => {
    expect(parseMark(`${formatMark(ownMark())}-b5a5f7a6-1`)).toEqual(ownMark());
    for (const name of ['', '1234', 'ab-1-x-', `${'0'.repeat(16)}-0-x-`, `${'0'.repeat(16)}-1-y-`]) {
      expect(parseMark(name)).toBeUndefined();
    }
  });

  it('says of this process that it lives, and of one that has ended that it does not', async () => {
    expect(isDead(ownMark())).toBe(false);
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    const mark = { ...ownMark(), pid: child.pid as number, start: 'x' };
    expect(isDead(mark)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isDead(mark)).toBe(true);
  });

  it('is not taken for that of an earlier process of the same number, where the system tells when it was started', () => {
    const earlier = { ...ownMark(), start: '0123456789abcdef' };
    expect(isDead(earlier)).toBe(ownMark().start !== 'x');
  });

  it('says nothing of a process of another host', () => {
    expect(isDead({ ...ownMark(), place: '0123456789abcdef', pid: 2 ** 22 + 1 })).toBe(false);
  });
});
