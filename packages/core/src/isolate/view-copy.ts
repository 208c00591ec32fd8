import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { holdsElementsOnly, isIndex } from '../key/list-shape.ts';

type View = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView;

const viewTypes: ReadonlyMap<string, View> = new Map(
  [
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    // Where the language has it already.
    Reflect.get(globalThis, 'Float16Array') as typeof Float32Array | undefined,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ]
    .filter((type) => type !== undefined)
    .map((type) => [type.name, type]),
);

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const bufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get;
const setBytes = Uint8Array.prototype.set;

/** Where in which memory a view lies. */
export interface Span {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  readonly bytes: number;
  /** In elements. */
  readonly length: number;
}

/** Reads it from the view itself, whatever properties of the same names it was given. */
export function spanOf(view: ArrayBufferView): Span {
  const from = types.isTypedArray(view) ? typedArray : DataView.prototype;
  const read = (name: string): unknown => Object.getOwnPropertyDescriptor(from, name)?.get?.call(view);
  const bytes = read('byteLength') as number;
  return {
    buffer: read('buffer') as ArrayBufferLike,
    start: read('byteOffset') as number,
    bytes,
    length: from === typedArray ? (read('length') as number) : bytes,
  };
}

/** Whether a typed array was given properties beside its elements. */
export function hasFurtherProperties(list: NodeJS.TypedArray, length: number): boolean {
  if (Object.hasOwn(list, 'length')) return true;
  return !holdsElementsOnly(list, length) && Reflect.ownKeys(list).some((key) => !isIndex(key, length));
}

/** Whether there is more in the memory, which is of one owner, than the span. */
export function isSlice({ buffer, bytes }: Span): boolean {
  return !types.isSharedArrayBuffer(buffer) && bytes < (bufferLength?.call(buffer) as number);
}

/** A view of this kind at the same place of another buffer; `undefined` where the kind is unknown. */
export function placeView(kind: string, { start, length }: Span, buffer: ArrayBuffer): ArrayBufferView | undefined {
  if (kind === 'Buffer') return Buffer.from(buffer, start, length);
  const type = viewTypes.get(kind);
  return type && new type(buffer, start, length);
}

/** A Buffer with the bytes that lie there, in memory of its own. */
export function copySlice({ buffer, start, bytes }: Span): Buffer {
  return copyBytes(new Uint8Array(buffer, start, bytes));
}

/** A Buffer with these bytes, in memory of its own. */
export function copyBytes(source: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(source.length);
  setBytes.call(copy, source);
  return copy;
}

/** Whether any two of the spans, or one of them and a buffer that was copied whole, have bytes in common. */
export function overlap(spans: readonly Span[], isCopied: (buffer: object) => boolean): boolean {
  const sorted = spans.filter(({ bytes }) => bytes > 0).sort((one, other) => one.start - other.start);
  const ends = new Map<object, number>();
  return sorted.some(({ buffer, start, bytes }) => {
    const end = ends.get(buffer) ?? 0;
    ends.set(buffer, Math.max(end, start + bytes));
    return start < end || isCopied(buffer);
  });
}
