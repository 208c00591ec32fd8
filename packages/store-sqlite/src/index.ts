export type { SqliteDriver, SqliteStoreOptions } from './options.ts';
export { sqliteStore } from './sqlite-store.ts';
export type { SqliteStore } from './table-store.ts';
