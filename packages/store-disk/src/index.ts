export { type DiskStore, diskStore } from './disk-store.ts';
export type { DiskFront, DiskStoreOptions } from './options.ts';
