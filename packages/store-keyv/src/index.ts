export { type KeyvStore, keyvStore } from './keyv-store.ts';
export type { KeyvInstance, KeyvStoreOptions } from './options.ts';
