import { types } from 'node:util';
import { isIntrinsicPrototype } from './kinds.ts';
import { errorKinds } from './tags.ts';

/** The number of the built-in error class, of any realm, that a prototype belongs to itself; negative for none. */
export function errorKindOf(proto: object | null): number {
  return errorKinds.findIndex((name, index) => isIntrinsicPrototype(proto, name, index === 0 ? 1 : 2));
}

/** The first built-in class above a derived one. */
export function nearestErrorKind(proto: object | null): number {
  for (let next = proto; next !== null && !types.isProxy(next); next = Object.getPrototypeOf(next)) {
    const kind = errorKindOf(next);
    if (kind >= 0) return kind;
  }
  return 0;
}

/** What `error.name` says by inheritance. A getter is not run; then the class says it. */
export function inheritedName(proto: object | null): string | undefined {
  for (let next = proto; next !== null && !types.isProxy(next); next = Object.getPrototypeOf(next)) {
    const property = Object.getOwnPropertyDescriptor(next, 'name');
    if (property === undefined) continue;
    return typeof property.value === 'string' ? property.value : undefined;
  }
  return undefined;
}
