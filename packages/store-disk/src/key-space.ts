/**
 * The keys of a namespace as they stand in the index: `reprise/<namespace>:<key>`. The namespace is encoded so that it holds
 * neither `:` nor `!`, and none is the beginning of another one's keys. A key that has no UTF-8 follows `!` as JSON.
 */
export class KeySpace {
  readonly #plain: string;
  readonly #escaped: string;

  constructor(namespace: string) {
    const encoded = namespace.replace(
      /[^A-Za-z0-9._-]/g,
      (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    this.#plain = `reprise/${encoded}:`;
    this.#escaped = `reprise/${encoded}!`;
  }

  toIndex(key: string): string {
    const formed = (key as string & { isWellFormed(): boolean }).isWellFormed();
    return formed ? this.#plain + key : this.#escaped + JSON.stringify(key);
  }

  /** The key behind an index key; `undefined` for one of another namespace, or of somebody else. */
  fromIndex(indexKey: string): string | undefined {
    if (indexKey.startsWith(this.#plain)) return indexKey.slice(this.#plain.length);
    if (!indexKey.startsWith(this.#escaped)) return undefined;
    try {
      return JSON.parse(indexKey.slice(this.#escaped.length)) as string;
    } catch {
      return undefined;
    }
  }
}

/** The namespace and the key behind an index key, of whatever namespace; `undefined` for one of somebody else. */
export function splitIndexKey(indexKey: string): readonly [namespace: string, key: string] | undefined {
  const match = /^reprise\/([A-Za-z0-9._%-]*)[:!]/.exec(indexKey);
  if (match === null) return undefined;
  const namespace = (match[1] as string).replace(/%([0-9a-f]{4})/g, (_, unit: string) =>
    String.fromCharCode(Number.parseInt(unit, 16)),
  );
  const key = new KeySpace(namespace).fromIndex(indexKey);
  return key === undefined ? undefined : [namespace, key];
}
