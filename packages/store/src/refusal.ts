import { CodecError } from './contract.ts';

/** Why what was found is no answer for a key. */
export function refuse(key: string, what: string, cause?: unknown): CodecError {
  return new CodecError(`The entry of ${shorten(key)} ${what}`, cause === undefined ? undefined : { cause });
}

export function shorten(key: string): string {
  return JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}…` : key);
}
