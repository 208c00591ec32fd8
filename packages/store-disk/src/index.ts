export { type DiskStore, diskStore } from './disk-store.ts';
export type { DiskStoreOptions } from './options.ts';
