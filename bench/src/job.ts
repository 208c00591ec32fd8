import type { SampleOptions } from './sample.ts';

/** What the bench asks of one of its processes. */
export type Job =
  /** The limit, the limit and the subject, timed in one process. `peer` undefined: Reprise. */
  | {
      readonly kind: 'time';
      readonly row: string;
      readonly peer?: string;
      readonly options: SampleOptions;
      readonly crowded: boolean;
    }
  /** Hits on a server, so many laps as often as it is told. */
  | { readonly kind: 'hit'; readonly row: string; readonly peer?: string; readonly part: 'limit' | 'subject' }
  /** The bytes that each entry takes. */
  | { readonly kind: 'memory'; readonly row: string; readonly peer?: string; readonly subject: 'limit' | 'subject' }
  /** The milliseconds that the first `import` of a name takes. */
  | { readonly kind: 'import'; readonly name: string };

/** What it answers. */
export type Reply = { readonly result: unknown } | { readonly error: string };
