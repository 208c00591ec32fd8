import { afterEach, describe, expect, it } from '@jest/globals';
import { Near } from '../src/near.ts';
import { play } from './race.ts';

const original = Object.getOwnPropertyDescriptors(Near.prototype);
afterEach(() => {
  Object.defineProperties(Near.prototype, original);
});

/** The first of so many histories in which something is wrong. */
async function search(first: number, count: number): Promise<string | undefined> {
  for (let seed = first; seed < first + count; seed++) {
    const wrong = await play(seed);
    if (wrong !== undefined) return `seed ${seed}: ${wrong}`;
  }
  return undefined;
}

/** What would be wrong with the tier, and no other test might notice. */
const mistakes: readonly (readonly [name: string, make: () => void])[] = [
  [
    'keeps an answer that was overtaken by a change',
    () => {
      const { ask } = Near.prototype;
      Near.prototype.ask = function (key) {
        return { ...ask.call(this, key), order: Infinity };
      };
    },
  ],
  [
    'goes on being believed when nothing is told any more',
    () => {
      const { trust } = Near.prototype;
      Near.prototype.trust = function (isTrusted) {
        if (isTrusted) trust.call(this, true);
      };
    },
  ],
  [
    'is believed anew with what it held before',
    () => {
      const { clear, trust } = Near.prototype;
      Near.prototype.trust = function (isTrusted) {
        this.clear = () => {};
        trust.call(this, isTrusted);
        this.clear = clear;
      };
    },
  ],
  [
    'does not hear of changes by others',
    () => {
      Near.prototype.drop = () => {};
    },
  ],
  [
    'does not clear what begins with a prefix',
    () => {
      Near.prototype.clear = () => {};
    },
  ],
];

describe('three processes with a tier each in front of one store', () => {
  it('are answered with nothing older than what they did or were told of, over 2,000 random histories', async () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffffff);
    expect(await search(seed, 2_000)).toBeUndefined();
  });

  for (const [name, make] of mistakes) {
    it(`is found out if a tier ${name}`, async () => {
      make();
      expect(await search(1, 2_000)).toMatch(/^seed \d+: .*must not be older than/);
    });
  }
});
