import { type AsyncStore, type Entry, StoreError } from '@reprise/store';

/** An entry that lives for a minute, or as long as is said. */
export function entryOf(value: unknown, more: Partial<Entry> = {}, ttl = 60_000): Entry {
  const createdAt = Date.now();
  return { value, createdAt, expiresAt: createdAt + ttl, staleUntil: createdAt + ttl, ...more };
}

/** Waits for what another party does in its own time. */
export async function until<Result>(check: () => Result | Promise<Result>): Promise<NonNullable<Result>> {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    const found = await check();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it has not come to that');
}

/** What came of asking, from the moment that nobody may answer until somebody has. */
export async function answersOf(store: Pick<AsyncStore, 'get'>, key: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  let isAnswered = false;
  await until(async () => {
    try {
      answers.push((await store.get(key))?.value);
      // The first answer and the next ones go other ways: by script, and by MGET.
      if (isAnswered) return true;
      isAnswered = answers.length >= 3;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    return false;
  });
  return answers;
}

/** Everything that a store tells of changes: the keys, and whether it is to be trusted. */
export function listenTo(store: Pick<AsyncStore, 'track'>): { readonly told: string[]; leave(): void } {
  const told: string[] = [];
  const leave = store.track?.({
    changed: (key) => told.push(key),
    cleared: () => {},
    tagsInvalidated: () => {},
    trusted: (isTrusted) => told.push(`trusted: ${isTrusted}`),
    heard: () => {},
  });
  return { told, leave: () => leave?.() };
}
