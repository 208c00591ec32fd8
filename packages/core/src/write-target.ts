import { OptionError } from '@reprise/store/contract';
import { isObject } from './key/value-kind.ts';
import { nameClass } from './member.ts';
import { findTargets, type Target, targetBehind } from './target.ts';
import type { FunctionObject } from './types/function.ts';
import type { Of } from './write-options.ts';

/**
 * What an effect is about, found when the write is called: the member that is called first, then those that it overrides.
 *
 * @param self what the write is called on
 * @param where the write, as errors name it
 * @throws OptionError where there is no such thing
 */
export function findMeant(of: Of, self: unknown, where: () => string): readonly [Target, ...Target[]] {
  const targets = [...listMeant(of, self, where)];
  // A cache given by name may not be there: that is said now, before the write.
  for (const { remembered } of targets) remembered?.();
  const [first, ...others] = targets;
  if (first !== undefined) return [first, ...others];
  const { name = '', owner = self as object } = of as { name?: PropertyKey; owner?: object };
  throw new OptionError(`${where()}: of: ${shown(name)}: ${explain(owner, name)}`);
}

function* listMeant(of: Of, self: unknown, where: () => string): Generator<Target> {
  if (of.name === undefined) {
    const target = targetBehind(of.wrapper, { self: undefined, everyone: true });
    if (target !== undefined) yield target;
    return;
  }
  const owner = of.owner ?? self;
  if (!isObject(owner)) {
    throw new OptionError(
      `${where()}: it was called without an object, and whose ${shown(of.name)} is meant is not known; call it on its object, or ` +
        `say of: [Class, ${shown(of.name)}]`,
    );
  }
  yield* findTargets(owner, of.name);
}

/** Why a name leads nowhere, and what to do. */
function explain(owner: object, name: PropertyKey): string {
  if (typeof name === 'string' && name.startsWith('#')) {
    return 'a #private member cannot be found by its name; cache one that is not #private, or give its entries tags, and say tags here';
  }
  const known = listCached(owner);
  const advice = 'decorate it with @cached or @memoize';
  return (
    `${nameOwner(owner)} has no cached or memoized member of that name; ` +
    (known.length === 0 ? advice : `${advice}, or name one that is: ${known.slice(0, 10).map(shown).join(', ')}`)
  );
}

function listCached(owner: object): PropertyKey[] {
  const names = new Set<PropertyKey>();
  const starts = typeof owner === 'function' ? [owner, owner.prototype as object | undefined] : [owner];
  for (const start of starts) {
    for (let holder = start ?? null; holder !== null; holder = Object.getPrototypeOf(holder) as object | null) {
      for (const name of Reflect.ownKeys(holder)) names.add(name);
    }
  }
  return [...names].filter((name) => findTargets(owner, name).next().done !== true);
}

function nameOwner(owner: object): string {
  if (typeof owner === 'function') return nameClass(owner as FunctionObject);
  const { constructor: maker } = owner as { constructor?: unknown };
  return typeof maker === 'function' ? nameClass(maker) : 'the object';
}

function shown(name: PropertyKey): string {
  return typeof name === 'string' ? `'${name}'` : String(name);
}
