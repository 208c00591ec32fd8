import { randomBytes } from 'node:crypto';

let count = 0;

/** Letters and digits that no process has ever made, nor will: 24 of them. */
export function makeMark(): string {
  count = (count + 1) % 0x1_0000_0000;
  return randomBytes(8).toString('hex') + count.toString(16).padStart(8, '0');
}
