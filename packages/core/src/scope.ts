import { KeyError } from '@reprise/store/contract';
import { isThenable } from './one-shot.ts';
import type { AnyFunction, KeyPart } from './types.ts';

/**
 * Whose entries an operation of a handle means: those of the object `self` (as `per` says), or, where it is `everyone`, those of
 * all owners.
 */
export interface Scope {
  readonly self: unknown;
  readonly everyone: boolean;
}

/** How an engine tells calls and owners apart; see the options of `cached`. */
export interface Telling {
  readonly key: AnyFunction | undefined;
  readonly per: 'instance' | 'class' | AnyFunction;
  readonly version: string | undefined;
  /** The name in keys; asked for when a key is needed as text. */
  name(): string;
}

/** What `key` or `per` made of a call. @throws KeyError where that tells nothing */
export function askPart(
  option: 'key' | 'per',
  callback: AnyFunction,
  self: unknown,
  args: readonly unknown[],
  label: string,
): KeyPart {
  const part = Reflect.apply(callback, self, args) as unknown;
  if (part === undefined) {
    throw new KeyError(
      `${label}: ${option} answered undefined; return what tells ${option === 'key' ? 'calls' : 'owners'} apart (null is allowed)`,
    );
  }
  if (isThenable(part)) {
    // Nobody will wait for it; its failure must not end the process.
    part.then(undefined, () => {});
    throw new KeyError(`${label}: ${option} answered a promise; it must be synchronous, and so must all that it needs`);
  }
  return part as KeyPart;
}

/** A key error with the member's name in front. */
export function namedKeyError(label: string, error: unknown): unknown {
  if (!(error instanceof KeyError) || error.message.startsWith(label)) return error;
  return new KeyError(`${label}: ${error.message}`, { cause: error.cause ?? error });
}
