import type { StoreCapabilities } from '@reprise/store';

/**
 * What a store is said to do, beyond the five operations. `'unproven'` stands for a capability that the store declares and
 * this suite is not to judge: it appears in the output under that word.
 */
export type ConformanceCapabilities = {
  readonly [Name in Exclude<keyof StoreCapabilities, 'bounds'>]?: boolean | 'unproven';
} & {
  /** Whether its entries outlive it, so that a second store on the same place sees them. Default: `false`. */
  readonly persistent?: boolean;
  /** `true`: both bounds; or the one that the store keeps. */
  readonly bounds?: boolean | 'maxSize' | 'maxBytes' | 'unproven';
};
