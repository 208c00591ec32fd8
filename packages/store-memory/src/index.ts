export { type MemoryStore, memoryStore } from './memory-store.ts';
export { defaultMaxSize, type MemoryStoreOptions } from './options.ts';
