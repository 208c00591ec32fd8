import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CodecError,
  compressedCodec,
  defaultCodec,
  jsonCodec,
  registerClass,
  sealedCodec,
} from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import cacache from 'cacache';
import { entryOf, makeDirectory, onlyFile, Reports } from './directory.ts';

class Money {
  readonly cents: bigint;
  constructor(cents: bigint) {
    this.cents = cents;
  }
}
registerClass(Money, { encode: ({ cents }) => cents, decode: (cents) => new Money(cents) });

const secret = randomBytes(32);
const sealed = sealedCodec(compressedCodec(), { key: secret });

/** Reads `key` in a store of its own, as the next process would. */
async function readNext(directory: string, codec: Codec, key: string) {
  const store = diskStore({ directory, codec });
  const reports = new Reports();
  store.listen(reports);
  const entry = await store.get(key);
  await store.close();
  return { entry, failures: reports.failures };
}

async function write(directory: string, codec: Codec, key: string, value: unknown): Promise<void> {
  const store = diskStore({ directory, codec });
  await store.set(key, entryOf(value));
  await store.close();
}

describe('a disk store with another codec', () => {
  it('gives back what it wrote, in the next process too', async () => {
    for (const codec of [defaultCodec, compressedCodec(), sealed]) {
      const directory = await makeDirectory();
      const value = [new Money(5n), 'again and '.repeat(500)];
      await write(directory, codec, 'a', value);
      const { entry } = await readNext(directory, codec, 'a');
      const store = diskStore({ directory, codec });
      const copies = [entry?.value, store.copy?.(value)] as (typeof value)[];
      for (const [money, text] of copies) {
        expect(money).toBeInstanceOf(Money);
        expect([(money as Money).cents, text]).toEqual([5n, value[1]]);
      }
      await store.close();
    }
  });

  it('writes files in which JSON can be read', async () => {
    const directory = await makeDirectory();
    await write(directory, jsonCodec({ indent: 1 }), 'a', { id: 42 });
    expect(await readFile(await onlyFile(directory, 'content-v2'), 'latin1')).toContain('{\n "id": 42\n}');
  });

  it('takes the entries of every other one for a miss', async () => {
    const codecs = [
      defaultCodec,
      jsonCodec(),
      compressedCodec(),
      sealed,
      sealedCodec(defaultCodec, { key: secret, algorithm: 'hmac-sha256' }),
      sealedCodec(compressedCodec(), { key: randomBytes(32) }),
    ];
    for (const writer of codecs) {
      const directory = await makeDirectory();
      await write(directory, writer, 'a', { id: 42 });
      for (const reader of codecs) {
        if (reader === writer) continue;
        const { entry, failures } = await readNext(directory, reader, 'a');
        expect(entry).toBeUndefined();
        expect(failures).toEqual([{ error: expect.any(CodecError), key: 'a' }]);
        await write(directory, writer, 'a', { id: 42 });
      }
    }
  });

  it('takes no file that was made of another entry by somebody without the key', async () => {
    for (const [codec, taken] of [
      [defaultCodec, true],
      [sealed, false],
    ] as const) {
      const directory = await makeDirectory();
      await write(directory, codec, 'role-of-eve', 'guest');
      await write(directory, codec, 'role-of-bob', 'admin');
      const { data } = await cacache.get(directory, await indexKeyOf(directory, 'role-of-bob'));
      const forged = Buffer.from(data);
      forged.write('role-of-eve', forged.indexOf('role-of-bob'));
      forged.writeUInt32LE(crc32(Buffer.concat([forged.subarray(0, 5), forged.subarray(9)])), 5);
      await cacache.put(directory, await indexKeyOf(directory, 'role-of-eve'), forged);
      const { entry, failures } = await readNext(directory, codec, 'role-of-eve');
      expect([entry?.value, failures.length]).toEqual(taken ? ['admin', 0] : [undefined, 1]);
    }
  });
});

async function indexKeyOf(directory: string, key: string): Promise<string> {
  const keys = Object.keys(await cacache.ls(directory)).filter((found) => found.endsWith(key));
  if (keys.length !== 1) throw new Error(`${keys.length} entries end with ${key}`);
  return keys[0] as string;
}
