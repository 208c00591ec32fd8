import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import KeyvMemcache from '@keyv/memcache';
import KeyvMysql from '@keyv/mysql';
import KeyvPostgres from '@keyv/postgres';
import KeyvSqlite from '@keyv/sqlite';
import Keyv from 'keyv';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { type OwnMemcached, startMemcached } from './memcached.ts';

/** Where Keyv keeps what it is given; each run has its own and removes it. */
export interface Places {
  /** An instance of its own over `place`, as another process would have it. */
  open(place: string): Promise<Keyv> | Keyv;
  /** Removes everything and ends all connections. */
  remove(): Promise<void>;
}

const postgresUrl = 'postgresql://postgres@127.0.0.1:5432/test';
const mysqlUrl = 'mysql://root@127.0.0.1:3306/test';

export async function hasPostgres(): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

export async function hasMysql(): Promise<boolean> {
  try {
    const connection = await createConnection({ uri: mysqlUrl, connectTimeout: 2_000 });
    await connection.end();
    return true;
  } catch {
    return false;
  }
}

export function mapPlaces(): Places {
  const maps = new Map<string, Map<string, unknown>>();
  return {
    open(place) {
      const map = maps.get(place) ?? new Map<string, unknown>();
      maps.set(place, map);
      return new Keyv({ store: map });
    },
    async remove() {
      maps.clear();
    },
  };
}

export async function sqlitePlaces(): Promise<Places> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-keyv-'));
  const adapters: KeyvSqlite[] = [];
  return {
    async open(place) {
      const adapter = new KeyvSqlite({ uri: `sqlite://${join(folder, `${place}.sqlite`)}`, busyTimeout: 10_000 });
      adapters.push(adapter);
      // The machine does not lose its power in a test.
      await adapter.query('PRAGMA synchronous = OFF');
      return new Keyv({ store: adapter });
    },
    async remove() {
      for (const adapter of adapters) await adapter.close();
      await rm(folder, { recursive: true });
    },
  };
}

export async function postgresPlaces(): Promise<Places> {
  const table = ownTable();
  const first = new KeyvPostgres({ uri: postgresUrl, table });
  return {
    open: (namespace) => new Keyv({ store: new KeyvPostgres({ uri: postgresUrl, table }), namespace }),
    async remove() {
      await first.query(`DROP TABLE ${table}`);
      await first.disconnect();
    },
  };
}

/** The table as the README says: what the adapter makes by itself holds 64 KB an entry. */
export async function mysqlPlaces(): Promise<Places> {
  const table = ownTable();
  const connection = await createConnection(mysqlUrl);
  await connection.query(
    `CREATE TABLE ${table} (id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, value LONGTEXT)`,
  );
  const adapters: KeyvMysql[] = [];
  return {
    open(namespace) {
      const adapter = new KeyvMysql({ uri: mysqlUrl, table });
      adapters.push(adapter);
      return new Keyv({ store: adapter, namespace });
    },
    async remove() {
      await connection.query(`DROP TABLE ${table}`);
      await connection.end();
      await adapters[0]?.disconnect();
    },
  };
}

export async function memcachedPlaces(): Promise<Places & { readonly server: OwnMemcached }> {
  const server = await startMemcached();
  const adapters: KeyvMemcache[] = [];
  return {
    server,
    open(namespace) {
      const adapter = new KeyvMemcache(`127.0.0.1:${server.port}`, { timeout: 5, logger: { log() {} } } as object);
      adapters.push(adapter);
      return new Keyv({ store: adapter, namespace });
    },
    async remove() {
      for (const { client } of adapters) client.close();
      await server.stop();
    },
  };
}

function ownTable(): string {
  return `reprise_test_${process.pid}_${randomBytes(4).toString('hex')}`;
}
