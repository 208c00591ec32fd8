export type { TieredStoreOptions } from './options.ts';
export { type TieredStore, tieredStore } from './tiered-store.ts';
