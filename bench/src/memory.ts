import type { Features, User } from './feature.ts';
import { memoryEntries } from './feature.ts';

/** What the heap and the buffers outside it hold, after as much collecting as changes something. */
async function countBytes(): Promise<number> {
  const { gc } = globalThis;
  if (!gc) throw new Error('memory can be measured with --expose-gc only');
  for (let i = 0; i < 4; i++) {
    gc();
    // Weak references and finalizers are cleared between tasks.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The bytes for which each of `memoryEntries` entries stands, its key and its value included. */
export async function measureEntries(wrap: Features['memory']): Promise<number> {
  const make = (id: string): User => ({ id, name: `User ${id}`, age: id.length, active: true });
  const fill = async (find: (id: string) => unknown, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await find(`user:${i}`);
  };
  // The code itself is not an entry's.
  await fill(await wrap(make), 1000);
  const before = await countBytes();
  const find = await wrap(make);
  await fill(find, memoryEntries);
  const after = await countBytes();
  const last = (await find(`user:${memoryEntries - 1}`)) as User | undefined;
  if (last?.age !== `user:${memoryEntries - 1}`.length) throw new Error('wrong answers');
  return (after - before) / memoryEntries;
}
