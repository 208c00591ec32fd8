import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { OptionError, type SyncStore } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { sqliteStore } from '@reprise/store-sqlite';
import { tieredStore } from '../src/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'reprise-tiered-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const far = (): ReturnType<typeof diskStore> => diskStore({ directory });
const near = memoryStore();
tieredStore(near, far());

const refused: readonly (readonly [what: string, make: () => unknown, says: RegExp])[] = [
  ['no tiers', () => tieredStore(undefined as never, undefined as never), /first tier must be a store/],
  [
    'no second tier',
    () => tieredStore(memoryStore(), {} as never),
    /second tier must be a store.*without all of sync, get/,
  ],
  [
    'half a second tier',
    () => tieredStore(memoryStore(), { sync: true, get() {}, set() {} } as never),
    /second tier must be a store.*without all of sync, get, set, delete, clear, close/,
  ],
  [
    'a first tier of files',
    () => tieredStore(far() as unknown as SyncStore, far()),
    /first tier must be in this process's memory.*not a disk store/,
  ],
  [
    'a first tier that outlives the process',
    () => tieredStore(sqliteStore({ filename: join(directory, 'first.db') }), far()),
    /first tier must be in this process's memory.*not a sqlite store/,
  ],
  ['memory in front of memory', () => tieredStore(memoryStore(), memoryStore()), /second tier is a memory store/],
  ['a first tier of another tiered store', () => tieredStore(near, far()), /first tier is in use already/],
  [
    'an unknown option',
    () => tieredStore(memoryStore(), far(), { ttl: 1 } as never),
    /no option "ttl"; there is l1Ttl/,
  ],
  ['options that are none', () => tieredStore(memoryStore(), far(), 5 as never), /options must be an object/],
  ['a length of time without unit', () => tieredStore(memoryStore(), far(), { l1Ttl: '5' }), /l1Ttl.*unit/],
  ['a negative length of time', () => tieredStore(memoryStore(), far(), { l1Ttl: -1 }), /l1Ttl must be 0 or more/],
];

describe('tieredStore', () => {
  for (const [what, make, says] of refused) {
    it(`refuses ${what}, with the way out`, () => {
      expect(make).toThrow(OptionError);
      expect(make).toThrow(says);
    });
  }

  it('refuses a first tier that holds something already', () => {
    const used = memoryStore();
    used.direct.keep('k', { value: 1, createdAt: 0, expiresAt: Infinity, rest: undefined });
    expect(() => tieredStore(used, far())).toThrow(/first tier is in use already/);
  });

  it('leaves a first tier alone that it has refused for another reason', () => {
    const store = memoryStore();
    expect(() => tieredStore(store, far(), { l1Ttl: 'x' })).toThrow(OptionError);
    expect(() => tieredStore(store, far())).not.toThrow();
  });
});
