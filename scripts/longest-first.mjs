// Jest's order of test files: those that take longest first, so that no worker begins one of them when the others have
// nothing left to do. Jest itself knows how long a file took only where it has run before, and begins with the largest on a
// fresh clone, where some of the shortest take longest.
import { join } from 'node:path';
import Sequencer from '@jest/test-sequencer';
import { root } from './workspace.mjs';

/** Beginnings of paths, the longest first; measured, but only the order counts. */
const longest = [
  'scripts/test/docs',
  'torture/test/disk',
  'packages/core/test/race/race.',
  'packages/core/test/race/mistakes',
  'torture/test/sqlite',
  'packages/store-keyv/test/clears-at-once',
  'packages/store-keyv/test/conformance',
  'packages/store-redis/test/conformance',
  'packages/store-tiered/test/conformance',
  'packages/store-disk/test/processes',
  'examples/package-report',
  'packages/core/test/processes-race',
  'packages/core/test/cached-many.',
  'packages/store-disk/test/mutations',
  'packages/store-disk/test/conformance',
  'packages/core/test/lifetime.',
  'torture/test/mistakes',
  'packages/core/test/race/public',
  'packages/store-memory/test/model',
  'packages/core/test/other-processes',
].map((path) => join(root, path));

export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = longest.findIndex((beginning) => path.startsWith(beginning));
      return at < 0 ? longest.length : at;
    };
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
