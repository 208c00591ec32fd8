/** The kinds of stores that are tortured. */
export type Kind = 'disk' | 'sqlite';

/** What a worker does when it is told to. All but the last five are about an item. */
export type Deed =
  | 'call'
  | 'refresh'
  | 'invalidate'
  | 'tag'
  | 'set'
  | 'keep'
  | 'recall'
  | 'clear'
  | 'churn'
  | 'prune'
  | 'close'
  | 'open';

/** What a worker is to open. */
export interface Setting {
  readonly kind: Kind;
  /** Where the entries live: below it the store has its directory, or its file. */
  readonly folder: string;
  /** Tells the workers of one fleet apart. */
  readonly number: number;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /** A mistake that the store of this worker makes on purpose. */
  readonly mistake?: string | undefined;
}

/** What the functions answer. */
export interface Value {
  readonly item: string;
  readonly version: number;
  readonly text: string;
}

/** From the parent to a worker: do something. */
export interface Order {
  readonly id: number;
  readonly deed: Deed;
  readonly item: string;
  /** For `set` and `keep`. */
  readonly value?: Value | undefined;
  /** For the first `open`. */
  readonly setting?: Setting | undefined;
}

/** From the parent to a worker: how the run that asked goes. */
export interface Course {
  readonly run: number;
  readonly value: Value;
  /** Milliseconds that it takes. */
  readonly delay: number;
  readonly fails: boolean;
}

/** What an order came to. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
}

/** From a worker to the parent. */
export type Word =
  | { readonly ready: true }
  | ({ readonly id: number } & Outcome)
  | { readonly run: number; readonly item: string }
  | { readonly report: string };

/**
 * Whether a failed run of an item has its label. The labels of `plain` are told of values (docs/policies/tags.md), so that its failures have
 * none: whoever joins such a run after an invalidation by label may be told of its failure.
 */
export function hasLabelledFailures(item: string): boolean {
  return !item.startsWith('plain');
}

/** The message of the functions' own error. */
export function failureOf({ item, version }: Value): string {
  return `the function fails: ${item}@${version}`;
}

/** The value of an item's version: long or short, and never the same as another one. */
export function versionOf(item: string, version: number, longest = 6_000): Value {
  return { item, version, text: `${item}@${version} `.repeat(1 + ((version * 7_919) % longest) / (item.length + 4)) };
}
