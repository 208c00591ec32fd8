import { markLength } from './state.ts';

// What stands under an entry's key: a head that scripts can read, then the envelope. Numbers are little-endian.
//
//    0  format       u8    1
//    1  flags        u8    1: it has tags
//    2  headLength   u32   where the envelope begins
//    6  mark         24 bytes
//   30  epoch        f64   of its run
//   38  createdAt    f64   by the server's clock, as are all times here
//   46  expiresAt    f64
//   54  staleUntil   f64
//   62  endsAt       f64   staleUntil, or the end of its idle time where that comes first
//   70  idle         f64   0: none
//   78  tags         u32 how many; each a length (u8) and so many bytes: the tags as they are among the fences
const format = 1;
/** The length of a head without tags. */
const fixedLength = 82;

export interface Record {
  readonly mark: string;
  readonly epoch: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly staleUntil: number;
  readonly endsAt: number;
  /** The envelope begins there. */
  readonly headLength: number;
}

/** `undefined` for what is no record of this release. */
export function parseRecord(bytes: Buffer): Record | undefined {
  if (bytes.length < fixedLength || bytes[0] !== format) return undefined;
  const headLength = bytes.readUInt32LE(2);
  if (headLength < fixedLength || headLength > bytes.length) return undefined;
  return {
    mark: bytes.toString('latin1', 6, 6 + markLength),
    epoch: bytes.readDoubleLE(30),
    createdAt: bytes.readDoubleLE(38),
    expiresAt: bytes.readDoubleLE(46),
    staleUntil: bytes.readDoubleLE(54),
    endsAt: bytes.readDoubleLE(62),
    headLength,
  };
}

/** Whether tags are to be looked up for a record. */
export function hasTags(bytes: Buffer): boolean {
  return ((bytes[1] as number) & 1) !== 0;
}

/** The tags as they stand in a head. */
export function packTags(members: readonly Buffer[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(members.length);
  return Buffer.concat([count, ...members.flatMap((member) => [Buffer.from([member.length]), member])]);
}
