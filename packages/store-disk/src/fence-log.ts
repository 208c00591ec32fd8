import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeId } from './digest.ts';
import { type FenceRecord, formatRecord, type Head, type Position, parseRecord } from './fence-record.ts';
import { FenceState } from './fence-state.ts';
import { codeOf, isAbsence } from './file-errors.ts';
import { draftPath } from './layout.ts';
import { bootMark } from './process-mark.ts';
import { realTime } from './real-time.ts';

/** A log is followed by the next one when it has grown by so many bytes, or to twice its table. */
const growth = 1_048_576;
const lineFeed = 10;

/**
 * What was invalidated in a directory, by whomever, in one order: a file `fences/log-<n>` that all append to, in one call each.
 *
 * Everything is done at once, without waiting: an invalidation counts from the moment it is called, and a look costs less than what it is
 * compared with. Positions are counted through all logs of a directory. A log that has grown is ended by a seal; who sees the seal writes
 * what he knows as the table at the beginning of the next log, which appears complete, and only once. Whatever was appended behind the
 * seal is appended again by who did it. A log that cannot be read is sealed too, and the next one belongs to another chain:
 * no generation of the old one is believed.
 */
export class FenceLog {
  readonly #directory: string;
  readonly #folder: string;
  #file: OpenLog | undefined;
  #isClosed = false;
  #count = 0;
  readonly #nonce = makeId().slice(0, 8);
  /** The record that is being appended, and where it was found. */
  #awaited = '';
  #foundAt: Position | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#folder = join(directory, 'fences');
  }

  /**
   * All that has been invalidated by now.
   *
   * @returns `undefined` where there is no log, or none that can be read: nothing may be believed then
   */
  look(): FenceState | undefined {
    return this.#follow(false);
  }

  /** The same; makes the log where there is none. @throws what the file system throws */
  require(): FenceState {
    const state = this.#follow(true);
    if (state === undefined) throw new Error('the log of invalidations cannot be read, and not be replaced');
    return state;
  }

  /**
   * Notes something. When it returns, every process knows.
   *
   * @returns its position. @throws what the file system throws; it is then not noted
   */
  append(record: FenceRecord): Position {
    for (let attempt = 1; attempt <= 8; attempt++) {
      this.require();
      const nonce = `${this.#nonce}${(this.#count++).toString(36)}`;
      this.#awaited = nonce;
      this.#foundAt = undefined;
      this.#write(formatRecord(record, nonce));
      this.require();
      const at = this.#foundAt;
      if (at === undefined) continue;
      if (this.#isGrown()) this.#startNext();
      return at;
    }
    throw new Error('the log of invalidations was replaced again and again');
  }

  /** For good: who looks afterwards finds nothing that may be believed, and opens nothing. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  #release(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  /** Forgets what it was: something in the directory contradicts it. */
  distrust(): void {
    if (this.#file === undefined) return;
    this.#replace(this.#file);
    this.#follow(false);
  }

  #follow(isNeeded: boolean): FenceState | undefined {
    if (this.#isClosed) return undefined;
    // Each round is a log that somebody has ended since.
    for (let round = 1; round <= 16; round++) {
      const file = this.#file ?? this.#open(isNeeded);
      if (file === undefined) return undefined;
      this.#file = file;
      const found = statOf(file.path);
      if (found === undefined || found.ino !== file.ino || found.dev !== file.dev) {
        this.#release();
        continue;
      }
      if (found.size === file.offset && file.state !== undefined && !file.isSealed) return file.state;
      if (found.size > file.offset) file.read(found.size, (nonce, at) => this.#meet(nonce, at));
      if (file.state === undefined || found.size < file.offset) {
        if (!this.#replace(file)) return undefined;
      } else if (!file.isSealed) {
        return file.state;
      } else if (!this.#succeed(file)) {
        return file.state;
      }
    }
    return undefined;
  }

  #meet(nonce: string, at: Position): void {
    if (nonce === this.#awaited) this.#foundAt = at;
  }

  #open(isNeeded: boolean): OpenLog | undefined {
    const numbers = this.#list();
    let number = numbers.at(-1);
    if (number === undefined) {
      if (!isNeeded) return undefined;
      this.#publish(1, freshTable());
      number = this.#list().at(-1) ?? 1;
    }
    const file = OpenLog.at(join(this.#folder, `log-${number}`), number);
    if (file === undefined) return undefined;
    try {
      file.read(fstatSync(file.fd).size, (nonce, at) => this.#meet(nonce, at));
      for (const older of numbers) if (older < number) removeLog(join(this.#folder, `log-${older}`));
      // What the machine has lost of the log when it stopped must not be taken for what is appended from now on.
      if (file.isWritable && !file.isSealed && file.state?.isOfBoot(bootMark()) === false) this.#seal(file);
      return file;
    } catch (error) {
      closeSync(file.fd);
      throw error;
    }
  }

  #list(): number[] {
    const numbers: number[] = [];
    try {
      for (const name of readdirSync(this.#folder)) {
        const match = /^log-(\d{1,15})$/.exec(name);
        if (match !== null) numbers.push(Number(match[1]));
      }
    } catch (error) {
      if (!isAbsence(error)) throw error;
    }
    return numbers.sort((one, other) => one - other);
  }

  #isGrown(): boolean {
    const { offset = 0, tableLength = 0 } = this.#file ?? {};
    return offset - tableLength > Math.max(growth, tableLength);
  }

  /** Ends the log; a failure leaves it to the next time. */
  #startNext(): void {
    const file = this.#file as OpenLog;
    try {
      this.#seal(file);
      this.#follow(false);
    } catch {
      // What was to be noted has been noted.
    }
  }

  #seal(file: OpenLog): void {
    file.openForWriting();
    writeSync(file.fd, formatRecord(['seal']));
  }

  /** Takes the log that follows a sealed one, or makes it. @returns whether there is one */
  #succeed(file: OpenLog): boolean {
    try {
      // Only the first of those who write it is seen; what they know is the same.
      if (this.#isLast(file)) {
        this.#publish(file.number + 1, [...(file.state as FenceState).compact(bootMark(), realTime())]);
      }
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      return false;
    }
    this.#retire(file);
    return true;
  }

  /** Has a log of another chain follow one that cannot be believed. @returns whether that could be done */
  #replace(file: OpenLog): boolean {
    try {
      this.#seal(file);
      if (this.#isLast(file)) this.#publish(file.number + 1, freshTable());
    } catch (error) {
      this.#release();
      if (!isUnwritable(error)) throw error;
      return false;
    }
    this.#retire(file);
    return true;
  }

  #retire(file: OpenLog): void {
    if (statOf(file.path)?.ino === file.ino) removeLog(file.path);
    this.#release();
  }

  /** Whether a log is the last one still: not where it has a follower, and not in a directory that was made anew. */
  #isLast(file: OpenLog): boolean {
    return (this.#list().at(-1) ?? 0) <= file.number && statOf(file.path)?.ino === file.ino;
  }

  /** Makes a log appear complete, unless somebody else has done so. */
  #publish(number: number, table: readonly FenceRecord[]): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const draft = draftPath(this.#directory);
    mkdirSync(dirname(draft), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(draft, table.map((record) => formatRecord(record)).join(''), { flag: 'wx', mode: 0o600 });
      linkSync(draft, join(this.#folder, `log-${number}`));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      removeLog(draft);
    }
  }

  #write(line: string): void {
    const file = this.#file as OpenLog;
    const bytes = Buffer.from(line);
    file.openForWriting();
    const written = writeSync(file.fd, bytes);
    if (written === bytes.length) return;
    throw Object.assign(new Error('no space left for the log of invalidations'), { code: 'ENOSPC', syscall: 'write' });
  }
}

/** One log, as far as it has been read. */
class OpenLog {
  state: FenceState | undefined;
  isSealed = false;
  /** Where in the file reading goes on. */
  offset = 0;
  tableLength = 0;
  #base: Position = 0;
  #isTable = true;

  readonly path: string;
  readonly number: number;
  fd: number;
  isWritable: boolean;
  readonly ino: number;
  readonly dev: number;

  private constructor(path: string, number: number, fd: number, isWritable: boolean) {
    this.path = path;
    this.number = number;
    this.fd = fd;
    this.isWritable = isWritable;
    const { ino, dev } = fstatSync(fd);
    this.ino = ino;
    this.dev = dev;
  }

  /** @returns `undefined` where there is none */
  static at(path: string, number: number): OpenLog | undefined {
    try {
      return new OpenLog(path, number, openSync(path, constants.O_RDWR | constants.O_APPEND), true);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      if (!isUnwritable(error)) throw error;
    }
    return new OpenLog(path, number, openSync(path, constants.O_RDONLY), false);
  }

  /** A disk that was read only when this was opened may be so no more. @throws what the file system throws */
  openForWriting(): void {
    if (this.isWritable) return;
    const fd = openSync(this.path, constants.O_RDWR | constants.O_APPEND);
    closeSync(this.fd);
    this.fd = fd;
    this.isWritable = true;
  }

  /** Takes in what has been appended since. */
  read(size: number, meet: (nonce: string, at: Position) => void): void {
    const bytes = Buffer.allocUnsafe(size - this.offset);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(this.fd, bytes, length, bytes.length - length, this.offset + length);
      if (count === 0) break;
      length += count;
    }
    let start = 0;
    while (start < length && !this.isSealed) {
      const next = bytes.indexOf(lineFeed, start + 1);
      const end = next < 0 || next >= length ? length : next;
      const isLast = end === length;
      // The first byte is the line feed, unless something else has been written there.
      const found = bytes[start] === lineFeed ? parseRecord(bytes.toString('utf8', start + 1, end)) : undefined;
      // Somebody may be about to write the rest.
      if (found === undefined && isLast && !this.#isTable) break;
      start = end;
      this.#take(found, this.offset + start, meet);
      if (this.#isTable && this.state === undefined) break;
    }
    this.offset += start;
    if (this.#isTable) this.state = undefined;
  }

  #take(found: ReturnType<typeof parseRecord>, offset: number, meet: (nonce: string, at: Position) => void): void {
    if (this.state === undefined) {
      const record = found?.record;
      if (record?.[0] !== 'head' || record[1].version !== 1) return;
      this.state = new FenceState(record[1]);
      this.#base = record[1].base;
      return;
    }
    const { state } = this;
    const at = this.#isTable ? this.#base : this.#base + offset - this.tableLength;
    if (found === undefined) {
      state.raiseFloor(at);
    } else if (found.record[0] === 'body') {
      this.#isTable = false;
      this.tableLength = offset;
    } else if (found.record[0] === 'seal') {
      this.isSealed = true;
    } else {
      state.apply(found.record, at);
      meet(found.nonce, at);
    }
    state.end = at;
  }
}

function freshTable(): readonly FenceRecord[] {
  const head: Head = { version: 1, chain: makeId(), base: 1, floor: 0, refused: 0, boot: bootMark(), gaps: [] };
  return [['head', head], ['body']];
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A file where the folder belongs.
    if (codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function removeLog(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // A log that has a follower is not read any more.
  }
}

function isUnwritable(error: unknown): boolean {
  const code = codeOf(error);
  return ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EBADF'].includes(String(code));
}
