import { Buffer, isUtf8 } from 'node:buffer';
import { CodecError } from '../contract.ts';

const initialLength = 4_096;
/** One scratch area is kept between uses; who finds it taken (an encoder that was entered again) makes its own. */
let scratch: Buffer | undefined;

/** Bytes that grow while they are written. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#bytes = scratch ?? Buffer.allocUnsafeSlow(initialLength);
    scratch = undefined;
    this.#limit = limit;
  }

  /** A copy of what was written. The writer is of no use afterwards. */
  finish(): Uint8Array {
    const result = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(result, 0, 0, this.#length);
    this.release();
    return result;
  }

  /** Gives the scratch area back; large ones are left to the collector. */
  release(): void {
    if (this.#bytes.length <= 16 * initialLength) scratch = this.#bytes;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#limit) {
      throw new CodecError(
        `The encoded value is larger than the ${this.#limit} bytes that the codec's maxBytes allows`,
      );
    }
    const grown = Buffer.allocUnsafeSlow(
      Math.min(Math.max(needed, this.#bytes.length * 2), Math.max(needed, this.#limit)),
    );
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Length and text; the caller has made sure that the text is well-formed, or wants UTF-16. */
  text(value: string, encoding: 'utf8' | 'utf16le'): void {
    const length = Buffer.byteLength(value, encoding);
    this.varint(length);
    this.#reserve(length);
    this.#length += this.#bytes.write(value, this.#length, length, encoding);
  }

  /** Length and bytes. */
  block(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }
}

/** Reads what a {@link ByteWriter} wrote, and trusts none of it. */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  #take(count: number): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) throw new CodecError('The bytes end in the middle of a value');
    this.#position = start + count;
    return start;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      factor *= 0x80;
    }
    throw new CodecError('A number in the bytes is too large');
  }

  /** A count of things that take at least `each` bytes, so that no count can ask for more memory than there are bytes. */
  count(each: number): number {
    const count = this.varint();
    if (count * each > this.remaining) throw new CodecError('The bytes end in the middle of a value');
    return count;
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(encoding: 'utf8' | 'utf16le'): string {
    const length = this.varint();
    const start = this.#take(length);
    if (encoding === 'utf16le') {
      if (length % 2 !== 0) throw new CodecError('A UTF-16 text has an odd number of bytes');
      return this.#bytes.toString('utf16le', start, start + length);
    }
    const text = this.#bytes.toString('utf8', start, start + length);
    // Reading replaces what is not UTF-8, which would be another value.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, start + length))) {
      throw new CodecError('A text in the bytes is not UTF-8');
    }
    return text;
  }

  /** A copy of its own. */
  block(): Uint8Array<ArrayBuffer> {
    const length = this.varint();
    const start = this.#take(length);
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(start, start + length));
    return copy;
  }
}

/** The same bytes as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
