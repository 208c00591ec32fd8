import { type AsyncStore, type Codec, decodeEnvelope, defaultCodec, encodeEnvelope, type Store } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';

/** A memory store that answers by promises; of text keys, as every asynchronous store. */
export function asyncMemory({ persistent = false, name = 'slow memory' } = {}): AsyncStore {
  const store = memoryStore();
  return {
    name,
    sync: false,
    persistent,
    capabilities: { iteration: true },
    get: async (key) => store.get(key),
    set: async (key, entry) => store.set(key, entry),
    delete: async (key) => store.delete(key),
    clear: async (prefix) => store.clear(prefix),
    close: async () => store.close(),
    async *entries(prefix) {
      yield* store.entries(prefix);
    },
    size: async (prefix) => store.size(prefix),
    resize: async (bounds) => store.resize(bounds),
    useClock: (clock) => store.useClock(clock),
  };
}

/** Keeps bytes, as a disk or a server would: every reader gets a value of its own. */
export function bytesStore({ persistent = false, codec = defaultCodec as Codec } = {}): AsyncStore {
  const envelopes = memoryStore();
  return {
    ...asyncMemory({ persistent }),
    name: 'bytes',
    capabilities: { iteration: true, bytes: true },
    async get(key) {
      const found = envelopes.get(key);
      return found && decodeEnvelope(found.value as Uint8Array, key, codec);
    },
    async set(key, entry) {
      envelopes.delete(key);
      const { createdAt, expiresAt, staleUntil } = entry;
      return envelopes.set(key, { value: encodeEnvelope(key, entry, codec), createdAt, expiresAt, staleUntil });
    },
    delete: async (key) => envelopes.delete(key),
    clear: async (prefix) => envelopes.clear(prefix),
    close: async () => envelopes.close(),
    async *entries(prefix) {
      for (const [key, { value }] of envelopes.entries(prefix)) {
        yield [key, decodeEnvelope(value as Uint8Array, key, codec)] as const;
      }
    },
    size: async (prefix) => envelopes.size(prefix),
    useClock: (clock) => envelopes.useClock(clock),
    copy: (value) => codec.decode(codec.encode(value)),
  };
}

/** One of each kind that the engine treats in a way of its own. */
export const storeKinds: [kind: string, make: () => Store][] = [
  ['a memory store', () => memoryStore()],
  ['a synchronous store of text keys', () => chaosStore(memoryStore())],
  ['an asynchronous store', () => asyncMemory()],
  ['an asynchronous store of bytes', () => bytesStore()],
];

/** Reads several keys in one round trip, and counts its round trips. */
export function batchStore(underneath: AsyncStore = asyncMemory()): AsyncStore & { readonly trips: string[] } {
  const trips: string[] = [];
  return {
    ...underneath,
    name: 'batches',
    capabilities: { ...underneath.capabilities, batches: true },
    trips,
    get: (key) => {
      trips.push(key);
      return underneath.get(key);
    },
    getMany: (keys) => {
      trips.push(keys.join(' '));
      return Promise.all(keys.map((key) => underneath.get(key)));
    },
  };
}

/** The same, and one that reads several keys at once. */
export const storeKindsWithBatches: [kind: string, make: () => Store][] = [
  ...storeKinds,
  ['an asynchronous store that reads several keys at once', () => batchStore()],
];
