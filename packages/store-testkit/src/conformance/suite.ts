import { OptionError, type StoreCapabilities } from '@reprise/store';
import { ageCases } from './age.ts';
import { batchCases } from './batches.ts';
import { maxBytesCases, maxSizeCases } from './bounds.ts';
import type { ConformanceCapabilities } from './capabilities.ts';
import { type ConformanceCase, type MakeStore, Trial } from './case.ts';
import { closingCases } from './closing.ts';
import { entryCases } from './entries.ts';
import { fenceCases, sharedFenceCases } from './fences.ts';
import { bytesCases } from './isolation.ts';
import { keyCases } from './keys.ts';
import { leaseCases, sharedLeaseCases } from './leases.ts';
import { iterationCases, pruneCases } from './listing.ts';
import { natureCases } from './nature.ts';
import { orderCases } from './order.ts';
import { namespaceCases, persistenceCases } from './places.ts';
import { removalCases } from './removal.ts';
import { sharedTagCases, tagCases } from './tags.ts';
import { touchCases } from './touching.ts';
import { sharedTrackingCases } from './tracking.ts';
import { valueCases } from './values.ts';

/** The `it` of a test runner: Jest, Vitest, Mocha, `node:test`. */
export type ConformanceIt = (name: string, run: () => Promise<void>) => unknown;

/** By capability. */
const groups: Readonly<Record<keyof StoreCapabilities, readonly ConformanceCase[]>> = {
  fences: fenceCases,
  leases: leaseCases,
  tags: tagCases,
  touch: touchCases,
  batches: batchCases,
  iteration: iterationCases,
  prune: pruneCases,
  bounds: [...maxSizeCases, ...maxBytesCases],
  bytes: bytesCases,
  tracking: [],
};

/** What only stores can show whose entries outlive them: two of them on one place stand for two processes. */
const sharedGroups: Readonly<Partial<Record<keyof StoreCapabilities, readonly ConformanceCase[]>>> = {
  fences: sharedFenceCases,
  leases: sharedLeaseCases,
  tags: sharedTagCases,
  tracking: sharedTrackingCases,
};

let placesTaken = 0;

/**
 * The definition of a store, as test cases: registers one with `it` for everything that the contract asks of a store with
 * these capabilities. Each case makes its stores on a place of its own, moves time by hand, and closes what it has opened.
 *
 * A store passes if all cases pass. A capability that is said to be `'unproven'` is named in the output: nothing is passed over
 * in silence.
 *
 * @param it the test runner's; called with a name and an asynchronous function
 * @param makeStore makes the store; called once or several times by each case
 * @param capabilities what to prove beyond the five operations; the same as the store declares
 * @throws OptionError for a capability that does not exist
 *
 * @example
 * import { it } from 'node:test';
 * import { memoryStore } from '@reprise/store-memory';
 * import { storeConformance } from '@reprise/store-testkit';
 *
 * storeConformance(it, (options) => memoryStore(options), { iteration: true, bounds: true, prune: true, touch: true });
 */
export function storeConformance(
  it: ConformanceIt,
  makeStore: MakeStore,
  capabilities: ConformanceCapabilities = {},
): void {
  checkCapabilities(capabilities);
  const register = (group: string, cases: readonly ConformanceCase[]): void => {
    for (const { name, run } of cases) {
      it(`${group}: ${name}`, async () => {
        const trial = new Trial(makeStore, `case-${process.pid}-${++placesTaken}`, Boolean(capabilities.bytes));
        try {
          await run(trial);
        } finally {
          await trial.closeAll();
        }
      });
    }
  };
  register('nature', natureCases(capabilities));
  register('values', valueCases);
  register('entries', entryCases);
  register('age', ageCases);
  register('keys', keyCases);
  register('removal', removalCases);
  register('order', orderCases);
  register('namespaces', namespaceCases);
  register('closing', closingCases);
  if (capabilities.persistent) register('persistence', persistenceCases);
  for (const name of Object.keys(groups) as (keyof StoreCapabilities)[]) {
    const told = capabilities[name];
    if (told === 'unproven') it(`${name}: declared, and not judged by this suite (unproven)`, async () => {});
    else if (told !== undefined && told !== false) {
      register(name, casesOf(name, told));
      if (capabilities.persistent) register(name, sharedGroups[name] ?? []);
    }
  }
}

function casesOf(name: keyof StoreCapabilities, told: true | 'maxSize' | 'maxBytes'): readonly ConformanceCase[] {
  if (told === 'maxSize') return maxSizeCases;
  if (told === 'maxBytes') return maxBytesCases;
  return groups[name];
}

function checkCapabilities(capabilities: ConformanceCapabilities): void {
  for (const name of Object.keys(capabilities)) {
    if (name === 'persistent' || name in groups) continue;
    throw new OptionError(
      `storeConformance: there is no capability ${JSON.stringify(name)}; there are persistent, ${Object.keys(groups).join(', ')}`,
    );
  }
}
