import { describe, it } from '@jest/globals';
import { storeConformance } from '@reprise/store-testkit';
import { memoryStore } from '../src/index.ts';

describe('memoryStore', () => {
  storeConformance(it, (options) => memoryStore(options), { iteration: true, bounds: true, prune: true, touch: true });
});
