/** Loaded when first used: it takes longer than the rest of this package. */
let crypto: typeof import('node:crypto') | undefined;

/** The SHA-256 of a text's UTF-8, in base64url: 43 characters. */
export function digestOf(text: string): string {
  crypto ??= process.getBuiltinModule('node:crypto');
  return crypto.hash('sha256', text, 'base64url');
}
