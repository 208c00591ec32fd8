import { types } from 'node:util';
import { encodeLabel } from './key-text.ts';

const identities = new WeakMap<WeakKey, string>();
let lastNumber = 0;

/**
 * A name for exactly this object, function or symbol, the same at every call and never given to another, as long as the
 * process lives: `Users#3`, `function:find#4`, `symbol:tag#5`. What is named is held weakly. A symbol of the global
 * registry is its own name, `Symbol.for("tag")`: it never dies, and nothing is kept for it.
 *
 * Runs no code of the object: the class is read from the `constructor` property of its prototype, if that is plain data.
 */
export function identityOf(value: object | symbol): string {
  if (typeof value === 'symbol') {
    const registered = Symbol.keyFor(value);
    if (registered !== undefined) return `Symbol.for(${JSON.stringify(registered)})`;
  }
  let identity = identities.get(value);
  if (identity === undefined) {
    // One count for everything: the number alone tells apart, whatever the name in front of it.
    identity = `${labelOf(value)}#${++lastNumber}`;
    identities.set(value, identity);
  }
  return identity;
}

/** The name of the class whose prototype is the first on a chain, `''` if it has none or foreign code would have to tell. */
export function classNameOf(chain: object | null): string {
  for (let step = chain; step !== null && !types.isProxy(step); step = Object.getPrototypeOf(step)) {
    const type: unknown = Object.getOwnPropertyDescriptor(step, 'constructor')?.value;
    if (typeof type === 'function') return functionNameOf(type);
  }
  return '';
}

/** A function's name, `''` where it has none or computes it. */
export function functionNameOf(value: object): string {
  if (types.isProxy(value)) return '';
  const name: unknown = Object.getOwnPropertyDescriptor(value, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

function labelOf(value: object | symbol): string {
  if (typeof value === 'symbol') return `symbol:${encodeLabel(value.description ?? '')}`;
  if (typeof value === 'function') return `function:${encodeLabel(functionNameOf(value))}`;
  if (types.isProxy(value)) return 'Proxy';
  return encodeLabel(classNameOf(value)) || 'Anonymous';
}
