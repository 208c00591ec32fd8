import { isDeepStrictEqual } from 'node:util';
import type { Bounds } from '@reprise/store';
import { endOfPrefix, fromColumn, isPlain, type KeyColumn, toColumn } from './key-column.ts';
import { orderOfUse } from './schema.ts';
import type { Envelope, Session } from './session.ts';

/** An entry on its way into the table. */
export interface NewRow {
  /** With its namespace in front. */
  readonly fullKey: string;
  readonly envelope: Envelope;
  /** How much the envelope weighs. */
  readonly bytes: number;
  readonly endsAt: number;
  readonly staleUntil: number;
  readonly idle: number | undefined;
  readonly tags: readonly string[] | undefined;
}

/** A removal by the store's own will. */
export interface Removal {
  readonly key: string;
  readonly cause: 'evict' | 'expire';
}

interface Row {
  readonly id: number;
  readonly key: KeyColumn;
  readonly bytes: number;
  readonly ends_at: number;
}

interface Sum {
  readonly count: number;
  readonly bytes: number;
}

interface NamespaceSum extends Sum {
  readonly namespace: number;
}

const insert = `
INSERT INTO entries (key, namespace, ends_at, stale_until, idle, used, bytes, tagged, envelope)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`;
const update = `
UPDATE entries SET ends_at = ?, stale_until = ?, idle = ?, used = ?, bytes = ?, tagged = ?, envelope = ? WHERE key = ?`;

const largest = 500;

/** The entries of one namespace in the table. All but the reads stand in a transaction, between {@link begin} and {@link settle}. */
export class EntryRows {
  readonly namespace: string;
  /** What stands in front of each key: no two namespaces have beginnings in common. */
  readonly #head: string;
  /** What the transaction has added so far. */
  #entries = 0;
  #bytes = 0;

  constructor(namespace: string) {
    this.namespace = namespace;
    this.#head = `${namespace.length}:${namespace}`;
  }

  fullKey(key: string): string {
    return this.#head + key;
  }

  keyOf(column: KeyColumn): string {
    return fromColumn(column).slice(this.#head.length);
  }

  begin(): void {
    this.#entries = 0;
    this.#bytes = 0;
  }

  settle(session: Session): void {
    if (this.#entries === 0 && this.#bytes === 0) return;
    session
      .statement('UPDATE namespaces SET entries = entries + ?, bytes = bytes + ? WHERE id = ?')
      .run(this.#entries, this.#bytes, session.namespace(this.namespace));
    this.begin();
  }

  put(session: Session, row: NewRow, used: number): void {
    const namespace = session.namespace(this.namespace);
    const key = toColumn(row.fullKey);
    const { envelope, bytes, endsAt, staleUntil, idle = null, tags } = row;
    const isTagged = tags !== undefined && tags.length > 0;
    const tagged = isTagged ? 1 : 0;
    const { changes } = session
      .statement(insert)
      .run(key, namespace, endsAt, staleUntil, idle, used, bytes, tagged, envelope);
    if (Number(changes) === 1) {
      this.#count(1, bytes);
      if (isTagged) this.#setTags(session, key, tags);
      return;
    }
    // An envelope is never empty: the sign of its weight is free to say something else.
    const weight = session.value(
      'SELECT iif(tagged, -bytes, bytes) AS value FROM entries WHERE key = ?',
      key,
    ) as number;
    this.#count(0, bytes - Math.abs(weight));
    session.statement(update).run(endsAt, staleUntil, idle, used, bytes, tagged, envelope, key);
    if (isTagged || weight < 0) this.#setTags(session, key, tags ?? []);
  }

  #setTags(session: Session, key: KeyColumn, tags: readonly string[]): void {
    const id = session.value('SELECT id AS value FROM entries WHERE key = ?', key) as number;
    session.statement('DELETE FROM tags WHERE entry = ?').run(id);
    const add = session.statement('INSERT INTO tags (tag, entry) VALUES (?, ?) ON CONFLICT DO NOTHING');
    for (const tag of tags) add.run(toColumn(tag), id);
  }

  /** @returns when the entry ended or would have, where there was one */
  remove(session: Session, fullKey: string): number | undefined {
    const row = session
      .statement('DELETE FROM entries WHERE key = ? RETURNING bytes, ends_at')
      .get(toColumn(fullKey)) as Row | undefined;
    if (row === undefined) return undefined;
    this.#count(-1, -row.bytes);
    return row.ends_at;
  }

  /** Removes an entry, unless another one has taken its place. */
  removeExactly(session: Session, fullKey: string, envelope: unknown): void {
    const found: unknown = session.envelope(toColumn(fullKey));
    if (found !== undefined && isDeepStrictEqual(found, envelope)) this.remove(session, fullKey);
  }

  removePrefix(session: Session, prefix: string): number {
    const range = this.#rangeOf(prefix);
    const others = this.#rows(session, prefix, range !== undefined);
    this.#removeAll(session, others);
    if (range === undefined) return others.length;
    const { count, bytes } = session
      .statement('SELECT count(*) AS count, ifnull(sum(bytes), 0) AS bytes FROM entries WHERE key >= ? AND key < ?')
      .get(...range) as Sum;
    session.statement('DELETE FROM entries WHERE key >= ? AND key < ?').run(...range);
    this.#count(-count, -bytes);
    return count + others.length;
  }

  /** Removes the entries of every namespace that carry a label. */
  removeTagged(session: Session, tag: string): number {
    const column = toColumn(tag);
    const sums = session
      .statement(
        `SELECT namespace, count(*) AS count, sum(bytes) AS bytes FROM tags JOIN entries ON id = entry
         WHERE tag = ? GROUP BY namespace`,
      )
      .all(column) as NamespaceSum[];
    this.#countElsewhere(session, sums);
    const removed = sums.reduce((total, { count }) => total + count, 0);
    if (removed > 0) {
      session.statement('DELETE FROM entries WHERE id IN (SELECT entry FROM tags WHERE tag = ?)').run(column);
    }
    return removed;
  }

  /** An entry was read: it is the last to be evicted. */
  use(session: Session, fullKey: string, used: number): void {
    session.statement('UPDATE entries SET used = ? WHERE key = ?').run(used, toColumn(fullKey));
  }

  /** The same, and the idle time of an entry that lives begins anew. */
  touch(session: Session, fullKey: string, at: number, used: number): void {
    session
      .statement(
        `UPDATE entries SET used = ?, ends_at = iif(idle IS NULL, ends_at, min(stale_until, ? + idle))
         WHERE key = ? AND ends_at > ?`,
      )
      .run(used, at, toColumn(fullKey), at);
  }

  count(session: Session, prefix: string): number {
    const range = this.#rangeOf(prefix);
    const others = this.#rows(session, prefix, range !== undefined).length;
    if (range === undefined) return others;
    const sum = session.statement('SELECT count(*) AS count FROM entries WHERE key >= ? AND key < ?').get(...range);
    return (sum as Sum).count + others;
  }

  keys(session: Session, prefix: string): string[] {
    const range = this.#rangeOf(prefix);
    const keys = this.#rows(session, prefix, range !== undefined).map(({ key }) => this.keyOf(key));
    if (range === undefined) return keys;
    const rows = session.statement('SELECT key FROM entries WHERE key >= ? AND key < ?').all(...range) as Row[];
    return [...rows.map(({ key }) => this.keyOf(key)), ...keys];
  }

  /** Removes what has ended. @returns the keys */
  removeEnded(session: Session, now: number): string[] {
    const rows = session
      .statement('SELECT id, key, bytes FROM entries WHERE ends_at < 9e999 AND ends_at <= ? AND namespace = ?')
      .all(now, session.namespace(this.namespace)) as Row[];
    this.#removeAll(session, rows);
    return rows.map(({ key }) => this.keyOf(key));
  }

  /** The same in all other namespaces: who made them may never come back. Call after {@link settle}. @returns how many */
  removeEndedElsewhere(session: Session, now: number): number {
    const sums = session
      .statement(
        `SELECT namespace, count(*) AS count, sum(bytes) AS bytes FROM entries
         WHERE ends_at < 9e999 AND ends_at <= ? AND namespace <> ? GROUP BY namespace`,
      )
      .all(now, session.namespace(this.namespace)) as NamespaceSum[];
    this.#countElsewhere(session, sums);
    if (sums.length === 0) return 0;
    const { changes } = session
      .statement('DELETE FROM entries WHERE ends_at < 9e999 AND ends_at <= ? AND namespace <> ?')
      .run(now, session.namespace(this.namespace));
    return Number(changes);
  }

  /** Brings the namespace under its bounds: first what has ended, then what was used least recently. */
  evict(session: Session, { maxSize, maxBytes }: Required<Bounds>, now: number): Removal[] {
    const removals: Removal[] = [];
    this.settle(session);
    let sum = this.#sum(session);
    const isOver = (): boolean => sum.count > maxSize || sum.bytes > maxBytes;
    if (!isOver()) return removals;
    for (const key of this.removeEnded(session, now)) removals.push({ key, cause: 'expire' });
    this.settle(session);
    sum = this.#sum(session);
    const namespace = session.namespace(this.namespace);
    session.statement(orderOfUse).run();
    while (isOver()) {
      const rows = session
        .statement('SELECT id, key, bytes FROM entries WHERE namespace = ? ORDER BY used LIMIT ?')
        .all(namespace, Math.min(Math.max(sum.count - maxSize, 16), largest)) as Row[];
      // Whoever counted badly shall not be waited for.
      if (rows.length === 0) break;
      const victims: Row[] = [];
      for (const row of rows) {
        if (!isOver()) break;
        victims.push(row);
        sum = { count: sum.count - 1, bytes: sum.bytes - row.bytes };
        removals.push({ key: this.keyOf(row.key), cause: 'evict' });
      }
      this.#removeAll(session, victims);
    }
    return removals;
  }

  /** Counts anew what is otherwise counted along. */
  recount(session: Session): void {
    const namespace = session.namespace(this.namespace);
    session
      .statement(
        `UPDATE namespaces SET (entries, bytes) =
           (SELECT count(*), ifnull(sum(bytes), 0) FROM entries WHERE namespace = namespaces.id) WHERE id = ?`,
      )
      .run(namespace);
  }

  #sum(session: Session): Sum {
    return session
      .statement('SELECT entries AS count, bytes FROM namespaces WHERE id = ?')
      .get(session.namespace(this.namespace)) as Sum;
  }

  #count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }

  #removeAll(session: Session, rows: readonly Row[]): void {
    const remove = session.statement('DELETE FROM entries WHERE id = ?');
    let bytes = 0;
    for (const row of rows) {
      remove.run(row.id);
      bytes += row.bytes;
    }
    if (rows.length > 0) this.#count(-rows.length, -bytes);
  }

  #countElsewhere(session: Session, sums: readonly NamespaceSum[]): void {
    for (const { namespace, count, bytes } of sums) {
      session
        .statement('UPDATE namespaces SET entries = entries - ?, bytes = bytes - ? WHERE id = ?')
        .run(count, bytes, namespace);
    }
  }

  /** Between what stand all keys that are text and begin with a prefix; `undefined` where none can. Bytes stand behind all text. */
  #rangeOf(prefix: string): [KeyColumn, KeyColumn] | undefined {
    const full = this.#head + prefix;
    return isPlain(full) ? [full, endOfPrefix(full)] : undefined;
  }

  /** The rows whose key begins with a prefix, one by one: of all keys, or of those few that are bytes. */
  #rows(session: Session, prefix: string, areBytes: boolean): Row[] {
    const full = this.#head + prefix;
    const rows = session
      .statement(
        `SELECT id, key, bytes FROM entries
         WHERE ${areBytes ? "key >= x'' AND" : ''} namespace = (SELECT id FROM namespaces WHERE name = ?)`,
      )
      .all(toColumn(this.namespace)) as Row[];
    return rows.filter(({ key }) => fromColumn(key).startsWith(full));
  }
}
