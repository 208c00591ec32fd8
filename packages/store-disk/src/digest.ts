/** Loaded when first used: it takes longer than the rest of this package. */
let crypto: typeof import('node:crypto') | undefined;

/** Of a text or of bytes. */
export function hash(algorithm: string, data: string | Uint8Array, encoding: 'hex' | 'base64'): string {
  crypto ??= process.getBuiltinModule('node:crypto');
  return crypto.hash(algorithm, data, encoding);
}

/** Sixteen digits that stand for a text where taking one for another costs no more than a miss. */
export function makeDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}

/** A text that no other envelope has: identical entries never share content, so that removing one cannot take another's. */
export function makeId(): string {
  crypto ??= process.getBuiltinModule('node:crypto');
  return crypto.randomUUID();
}
