import { types } from 'node:util';
import { KeyError, OptionError } from '@reprise/store/contract';
import { textOfArgument } from './key/argument-text.ts';
import { isObject } from './key/value-kind.ts';
import { isThenable } from './one-shot.ts';
import type { AnyFunction } from './types.ts';

/** Ids in the order in which they came, each once; told apart as arguments are in keys. */
export class Ids {
  readonly list: unknown[] = [];
  readonly #label: string;
  readonly #plain = new Map<unknown, number>();
  /** Those that are objects, by their text. */
  readonly #objects = new Map<string, number>();

  /** @param label the function, for messages */
  constructor(label: string) {
    this.#label = label;
  }

  /** Takes an id in. @returns its place in {@link list}. @throws KeyError where it cannot be read */
  add(id: unknown): number {
    const isPlain = !isObject(id);
    const key = isPlain ? id : this.#textOf(id);
    const places: Map<unknown, number> = isPlain ? this.#plain : this.#objects;
    let place = places.get(key);
    if (place === undefined) {
      place = this.list.push(id) - 1;
      places.set(key, place);
    }
    return place;
  }

  /** The place of an id in {@link list}. */
  find(id: unknown): number | undefined {
    if (!isObject(id)) return this.#plain.get(id);
    return this.#objects.size === 0 ? undefined : this.#objects.get(this.#textOf(id));
  }

  #textOf(id: unknown): string {
    return textOfArgument(id, { identity: true, label: this.#label }, 'an id');
  }
}

/** By what the items of an answer are told, and how errors name the function that gave it. */
export interface Matching {
  /** The id of an item; `undefined`: by its place. */
  readonly key: AnyFunction | undefined;
  readonly where: () => string;
}

/**
 * The items that a loader answered, in the order of the ids it was asked for; `undefined` for those that it left out. What was not
 * asked for is ignored; of several items with one id the last one counts.
 *
 * @throws OptionError where the answer cannot be meant, and what `key` throws
 */
export function matchItems(answer: unknown, ids: Ids, { key, where }: Matching, self: unknown): unknown[] {
  const { length } = ids.list;
  if (types.isMap(answer)) {
    const items = new Array<unknown>(length);
    for (const [id, item] of answer) put(items, ids.find(id), item);
    return items;
  }
  if (!Array.isArray(answer)) {
    throw new OptionError(
      `${where()}: the function answered ${nameKind(answer)}; it must answer an array of items, or a Map of them by their ids`,
    );
  }
  if (key !== undefined) {
    const items = new Array<unknown>(length);
    for (const item of answer) {
      // As databases' clients answer for what they did not find.
      if (item === undefined || item === null) continue;
      put(items, ids.find(askId(key, item, where, self)), item);
    }
    return items;
  }
  if (answer.length === length) return Array.from(answer);
  throw new OptionError(
    `${where()}: the function answered ${answer.length} items for ${length} ids; without key it must answer one for each, in their ` +
      'order (undefined for none). To leave items out say key: (item) => item.id, or answer a Map of items by their ids',
  );
}

function put(items: unknown[], place: number | undefined, item: unknown): void {
  if (place !== undefined) items[place] = item;
}

function askId(key: AnyFunction, item: unknown, where: () => string, self: unknown): unknown {
  const id: unknown = Reflect.apply(key, self, [item]);
  if (id === undefined) {
    throw new KeyError(`${where()}: key answered undefined for an item; return the id that the item was asked for by`);
  }
  if (isThenable(id)) {
    // Nobody will wait for it; its failure must not end the process.
    id.then(undefined, () => {});
    throw new KeyError(`${where()}: key answered a promise; it must be synchronous`);
  }
  return id;
}

/** What kind of value it is, for messages. */
export function nameKind(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === undefined || value === null ? String(value) : `a ${typeof value}`;
}
