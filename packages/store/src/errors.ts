const brand = Symbol.for('reprise.error');

/** The stable codes of every error and report that Reprise makes. */
export type ErrorCode =
  | 'E_OPTION'
  | 'E_KEY'
  | 'E_TIMEOUT'
  | 'E_STORE'
  | 'E_CODEC'
  | 'E_NAME_TAKEN'
  | 'E_ONE_SHOT'
  | 'E_CALLBACK'
  | 'E_SIZE'
  | 'E_ISOLATE'
  | 'E_BACKGROUND'
  | 'E_NOT_CACHED'
  | 'E_CLOSED';

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** What made it happen, kept as it was thrown. */
  readonly cause?: unknown;
}

/**
 * The base of all errors that Reprise itself raises; a function's own errors are never wrapped.
 *
 * `instanceof RepriseError` holds for every one of them (also for {@link OptionError} and {@link KeyError}, which are
 * `TypeError`s), whichever module system loaded the class.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { KeyError, RepriseError } from '@reprise/store';
 *
 * const error = new KeyError('no value form');
 * assert(error instanceof TypeError && error instanceof RepriseError);
 * assert.equal(error.code, 'E_KEY');
 */
export class RepriseError extends Error {
  /** Stable across versions; compare this, not the message. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message, details);
    this.code = code;
    name(this, 'RepriseError');
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RepriseError) return Function.prototype[Symbol.hasInstance].call(this, value);
    try {
      return typeof value === 'object' && value !== null && brand in value;
    } catch {
      // A revoked proxy.
      return false;
    }
  }
}

/** An option that cannot be meant: `E_OPTION`, or `E_NAME_TAKEN` where a name is claimed twice. Raised at definition. */
export class OptionError extends TypeError {
  readonly code: 'E_OPTION' | 'E_NAME_TAKEN';

  constructor(message: string, details?: ErrorDetails & { readonly code?: 'E_OPTION' | 'E_NAME_TAKEN' }) {
    super(message, details);
    this.code = details?.code ?? 'E_OPTION';
    name(this, 'OptionError');
  }
}

/** A call whose key cannot be told: `E_KEY`. The function was not called. */
export class KeyError extends TypeError {
  readonly code = 'E_KEY';

  constructor(message: string, details?: ErrorDetails) {
    super(message, details);
    name(this, 'KeyError');
  }
}

/** A run that took longer than its caller wanted to wait: `E_TIMEOUT`. The run itself goes on. */
export class TimeoutError extends RepriseError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_TIMEOUT', message, details);
    name(this, 'TimeoutError');
  }
}

/** A store that failed, hung or is closed: `E_STORE` or `E_CLOSED`. Reported as an event; thrown by explicit invalidations only. */
export class StoreError extends RepriseError {
  constructor(message: string, details?: ErrorDetails & { readonly code?: 'E_STORE' | 'E_CLOSED' }) {
    super(details?.code ?? 'E_STORE', message, details);
    name(this, 'StoreError');
  }
}

/** A value that a store cannot keep faithfully: `E_CODEC`. Reported as an event; the value is not stored. */
export class CodecError extends RepriseError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_CODEC', message, details);
    name(this, 'CodecError');
  }
}

/** Own, not enumerable: the class name survives minifiers and does not show up as a field. */
function name(error: Error, text: string): void {
  Object.defineProperty(error, 'name', { value: text, configurable: true, writable: true });
}

for (const type of [RepriseError, OptionError, KeyError]) Object.defineProperty(type.prototype, brand, { value: true });
