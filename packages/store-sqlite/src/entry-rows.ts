import type { Bounds } from '@reprise/store';
import { endOfPrefix, fromColumn, isPlain, type KeyColumn, toColumn } from './key-column.ts';
import { orderOfUse } from './schema.ts';
import type { Session } from './session.ts';

/** An entry on its way into the table. */
export interface NewRow {
  /** With its namespace in front. */
  readonly fullKey: string;
  readonly envelope: Uint8Array;
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
    const { envelope, endsAt, staleUntil, idle = null, tags } = row;
    const bytes = envelope.length;
    const added = session
      .statement(
        `INSERT INTO entries (key, namespace, ends_at, stale_until, idle, used, bytes, envelope)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(key, namespace, endsAt, staleUntil, idle, used, bytes, envelope);
    const isNew = Number(added.changes) === 1;
    let replaced = 0;
    if (!isNew) {
      const old = session.statement('SELECT id, bytes FROM entries WHERE key = ?').get(key) as Row;
      replaced = old.bytes;
      session
        .statement(
          'UPDATE entries SET ends_at = ?, stale_until = ?, idle = ?, used = ?, bytes = ?, envelope = ? WHERE id = ?',
        )
        .run(endsAt, staleUntil, idle, used, bytes, envelope, old.id);
      session.statement('DELETE FROM tags WHERE entry = ?').run(old.id);
    }
    this.#count(isNew ? 1 : 0, bytes - replaced);
    if (tags === undefined || tags.length === 0) return;
    const { id } = session.statement('SELECT id FROM entries WHERE key = ?').get(key) as Row;
    const addTag = session.statement('INSERT INTO tags (tag, entry) VALUES (?, ?) ON CONFLICT DO NOTHING');
    for (const tag of tags) addTag.run(toColumn(tag), id);
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
  removeExactly(session: Session, fullKey: string, envelope: Uint8Array): void {
    const row = session
      .statement('DELETE FROM entries WHERE key = ? AND envelope = ? RETURNING bytes')
      .get(toColumn(fullKey), envelope) as Row | undefined;
    if (row !== undefined) this.#count(-1, -row.bytes);
  }

  removePrefix(session: Session, prefix: string): number {
    const rows = this.#rowsOf(session, prefix);
    this.#removeAll(session, rows);
    return rows.length;
  }

  /** Removes the entries of every namespace that carry a label. */
  removeTagged(session: Session, tag: string): number {
    const column = toColumn(tag);
    const sums = session
      .statement(
        `SELECT namespace, count(*) AS count, sum(bytes) AS bytes FROM tags JOIN entries ON id = entry
         WHERE tag = ? GROUP BY namespace`,
      )
      .all(column) as (Sum & { readonly namespace: number })[];
    let removed = 0;
    for (const { namespace, count, bytes } of sums) {
      session
        .statement('UPDATE namespaces SET entries = entries - ?, bytes = bytes - ? WHERE id = ?')
        .run(count, bytes, namespace);
      removed += count;
    }
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
    return this.#rowsOf(session, prefix).length;
  }

  keys(session: Session, prefix: string): string[] {
    return this.#rowsOf(session, prefix).map(({ key }) => this.keyOf(key));
  }

  /** Removes what has ended. @returns the keys */
  removeEnded(session: Session, now: number): string[] {
    const namespace = session.namespace(this.namespace);
    const rows = session
      .statement('SELECT id, key, bytes FROM entries WHERE ends_at < 9e999 AND ends_at <= ? AND namespace = ?')
      .all(now, namespace) as Row[];
    this.#removeAll(session, rows);
    return rows.map(({ key }) => this.keyOf(key));
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

  #rowsOf(session: Session, prefix: string): Row[] {
    const full = this.#head + prefix;
    if (!isPlain(full)) return this.#own(session, '').filter(({ key }) => fromColumn(key).startsWith(full));
    const rows = session
      .statement('SELECT id, key, bytes FROM entries WHERE key >= ? AND key < ?')
      // Bytes stand behind all text.
      .all(full, endOfPrefix(full) ?? new Uint8Array(0)) as Row[];
    const others = this.#own(session, "key >= x'' AND").filter(({ key }) => fromColumn(key).startsWith(full));
    return others.length === 0 ? rows : [...rows, ...others];
  }

  #own(session: Session, condition: '' | "key >= x'' AND"): Row[] {
    return session
      .statement(
        `SELECT id, key, bytes FROM entries
         WHERE ${condition} namespace = (SELECT id FROM namespaces WHERE name = ?)`,
      )
      .all(toColumn(this.namespace)) as Row[];
  }
}
