import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { asBuffer } from './codec/bytes.ts';
import { checkNames } from './codec/limits.ts';
import { checkCodec, wrapCodec } from './codec/wrapped.ts';
import { type Codec, type CodecContext, defaultCodec } from './codec.ts';
import { CodecError, OptionError } from './contract.ts';

/** How {@link sealedCodec} seals: so that nobody can change a value, or so that nobody can read it either. */
export type SealAlgorithm = 'hmac-sha256' | 'aes-256-gcm';

/** What {@link sealedCodec} is told. */
export interface SealOptions {
  /** 32 random bytes, as `randomBytes(32)` of `node:crypto` makes them (`hmac-sha256`: 32 or more). They are copied. */
  readonly key: Uint8Array;
  /** Default: `'aes-256-gcm'`. */
  readonly algorithm?: SealAlgorithm;
  /** Keys that were used before `key`: what they sealed is read, nothing is written with them. Default: none. */
  readonly olderKeys?: readonly Uint8Array[];
}

// Version 1. 'hmac-sha256': the byte 1, the code (32 bytes), the other codec's bytes. 'aes-256-gcm': the byte 1, a nonce (24 bytes), the
// tag of GCM (16 bytes), the encrypted bytes. What is authenticated beside them: the context, see `describeContext`.
const version = 1;
const codeLength = 32;
const nonceLength = 24;
const tagLength = 16;
const keyLength = 32;

/** Loaded when first used. */
let crypto: typeof import('node:crypto') | undefined;

interface Seal {
  close(bytes: Uint8Array, context: Buffer): Buffer;
  /** `undefined` where the key is another one, or anything was altered. */
  open(bytes: Buffer, context: Buffer): Buffer | undefined;
}

/**
 * A codec that seals what another one makes with a secret key: bytes that somebody else wrote, that were altered, or that belong to another
 * entry are a {@link CodecError}, and so a miss. Sealed is the whole entry: its value, its key, its times and its tags. Who can write to the
 * store but has not the key can take entries away, and put back older ones of the same key; nothing else.
 *
 * `aes-256-gcm` also hides the value. Key, times and tags stay readable. It takes a new key, made of yours and of random bytes, for each
 * value, so that there is no number of values after which yours has to be changed.
 *
 * To change the key, give the new one as `key` and the one before among `olderKeys` until its entries have expired.
 *
 * @param codec whose bytes are sealed; one that compresses belongs inside. Default: {@link defaultCodec}
 * @throws OptionError when a key is no `Uint8Array` or has not the length, and for other options that cannot be meant. Keys are never shown
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { randomBytes } from 'node:crypto';
 * import { CodecError, decodeEnvelope, defaultCodec, encodeEnvelope, sealedCodec } from '@reprise/store';
 *
 * const codec = sealedCodec(defaultCodec, { key: randomBytes(32) });
 * const entry = { value: 'secret', createdAt: 0, expiresAt: 60_000, staleUntil: 60_000 };
 * const bytes = encodeEnvelope('find(1)', entry, codec);
 * assert.equal(decodeEnvelope(bytes, 'find(1)', codec).value, 'secret');
 * const other = sealedCodec(defaultCodec, { key: randomBytes(32) });
 * assert.throws(() => decodeEnvelope(bytes, 'find(1)', other), CodecError);
 */
export function sealedCodec(codec: Codec | undefined, options: SealOptions): Codec {
  const inner = codec ?? defaultCodec;
  checkCodec('sealedCodec', inner);
  checkNames('sealedCodec', options, ['key', 'algorithm', 'olderKeys']);
  const { key, algorithm = 'aes-256-gcm', olderKeys = [] } = options;
  if (algorithm !== 'aes-256-gcm' && algorithm !== 'hmac-sha256') {
    throw new OptionError("sealedCodec: algorithm must be 'aes-256-gcm' or 'hmac-sha256'");
  }
  if (!Array.isArray(olderKeys)) throw new OptionError('sealedCodec: olderKeys must be an array of keys');
  const makeSeal = algorithm === 'aes-256-gcm' ? encryptingSeal : signingSeal;
  const first = makeSeal(copyKey('key', key, algorithm));
  const seals = [first, ...olderKeys.map((older, at) => makeSeal(copyKey(`olderKeys[${at}]`, older, algorithm)))];

  return wrapCodec(
    inner,
    algorithm,
    (bytes, context) => Buffer.concat([Buffer.of(version), first.close(bytes, describeContext(context))]),
    (bytes, context) => {
      if (bytes[0] !== version) throw new CodecError('The bytes are not of sealedCodec, or of a later version of it');
      const sealed = asBuffer(bytes).subarray(1);
      const bound = describeContext(context);
      for (const seal of seals) {
        const opened = seal.open(sealed, bound);
        if (opened !== undefined) return opened;
      }
      throw new CodecError(
        'The seal does not match: another key sealed it, or it was altered, or it is of another entry',
      );
    },
  );
}

/** A key of its own, out of reach for who changes the bytes later, and for `inspect`. */
function copyKey(option: string, key: Uint8Array, algorithm: SealAlgorithm): Buffer {
  if (!types.isUint8Array(key)) {
    throw new OptionError(`sealedCodec: ${option} must be a Uint8Array of random bytes, not ${nameType(key)}`);
  }
  if (key.length === keyLength || (key.length > keyLength && algorithm === 'hmac-sha256')) return Buffer.from(key);
  const due = algorithm === 'hmac-sha256' ? `${keyLength} bytes or more` : `${keyLength} bytes`;
  throw new OptionError(`sealedCodec: ${option} must have ${due} for ${algorithm}, not ${key.length}`);
}

function nameType(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? "a string (decode it: Buffer.from(text, 'base64'))" : typeof value;
}

/** What the bytes are bound to: no entry, or one with its key and everything that it says beside its value. */
function describeContext(context: CodecContext | undefined): Buffer {
  if (context === undefined) return Buffer.of(0);
  const key = Buffer.from(context.key, 'utf16le');
  const start = Buffer.alloc(5, 1);
  start.writeUInt32LE(key.length, 1);
  return Buffer.concat([start, key, context.header ?? Buffer.alloc(0)]);
}

function macOf(key: Buffer, use: string, parts: readonly Uint8Array[]): Buffer {
  crypto ??= process.getBuiltinModule('node:crypto');
  const mac = crypto.createHmac('sha256', key).update(use);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function signingSeal(key: Buffer): Seal {
  const codeOf = (bytes: Uint8Array, context: Buffer): Buffer => {
    const length = Buffer.alloc(8);
    length.writeUInt32LE(context.length, 0);
    return macOf(key, 'reprise seal 1 hmac-sha256\0', [length, context, bytes]);
  };
  return {
    close: (bytes, context) => Buffer.concat([codeOf(bytes, context), bytes]),
    open(sealed, context) {
      if (sealed.length < codeLength) return undefined;
      const bytes = sealed.subarray(codeLength);
      const code = codeOf(bytes, context);
      return crypto?.timingSafeEqual(code, sealed.subarray(0, codeLength)) === true ? bytes : undefined;
    },
  };
}

function encryptingSeal(key: Buffer): Seal {
  // GCM has room for 12 bytes of nonce, too few to be random for ever: the other 12 make a key of their own.
  const keyOf = (nonce: Buffer): Buffer => macOf(key, 'reprise seal 1 aes-256-gcm\0', [nonce.subarray(0, 12)]);
  return {
    close(bytes, context) {
      crypto ??= process.getBuiltinModule('node:crypto');
      const nonce = crypto.randomBytes(nonceLength);
      const cipher = crypto.createCipheriv('aes-256-gcm', keyOf(nonce), nonce.subarray(12), {
        authTagLength: tagLength,
      });
      cipher.setAAD(context);
      const hidden = [cipher.update(bytes), cipher.final()];
      return Buffer.concat([nonce, cipher.getAuthTag(), ...hidden]);
    },
    open(sealed, context) {
      if (sealed.length < nonceLength + tagLength) return undefined;
      crypto ??= process.getBuiltinModule('node:crypto');
      const nonce = sealed.subarray(0, nonceLength);
      const decipher = crypto.createDecipheriv('aes-256-gcm', keyOf(nonce), nonce.subarray(12), {
        authTagLength: tagLength,
      });
      decipher.setAAD(context);
      decipher.setAuthTag(sealed.subarray(nonceLength, nonceLength + tagLength));
      const bytes = decipher.update(sealed.subarray(nonceLength + tagLength));
      try {
        return Buffer.concat([bytes, decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
