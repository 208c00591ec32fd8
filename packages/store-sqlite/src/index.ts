export type { SqliteDriver, SqliteStoreOptions } from './options.ts';
export { type SqliteStore, sqliteStore } from './sqlite-store.ts';
