import { types } from 'node:util';
import { kindOf } from '../key/value-kind.ts';

const objectPrototype: object = Object.prototype;
const arrayPrototype: object = Array.prototype;
const writeTag: () => string = Object.prototype.toString;

/**
 * The built-in class of an object, as {@link kindOf} tells it, without running any code of the object; `''` for what is
 * more than it shows: instances of classes, proxies, and also what only has the prototype of plain objects, like a Map that
 * was given it, or a module.
 */
export function plainKindOf(value: object): string {
  if (types.isProxy(value)) return '';
  const prototype: object | null = Object.getPrototypeOf(value);
  // The two most frequent kinds, without the detour.
  if (prototype === arrayPrototype && Array.isArray(value)) return 'Array';
  if (prototype === objectPrototype && !(Symbol.toStringTag in value)) {
    return writeTag.call(value) === '[object Object]' && !hasHiddenState(value) ? 'Object' : '';
  }
  // Its traps would be asked for the constructor.
  if (prototype !== null && types.isProxy(prototype)) return '';
  // Asked for its tag, the object would run it.
  if (Symbol.toStringTag in value && hasOwnTagAccessor(value)) return '';
  const kind = kindOf(value);
  const isMore = kind === 'Object' && (hasHiddenState(value) || isForeign(value));
  return isMore ? '' : kind;
}

function hasOwnTagAccessor(value: object): boolean {
  const own = Object.getOwnPropertyDescriptor(value, Symbol.toStringTag);
  return own !== undefined && !('value' in own);
}

/** Objects that look plain once they have the prototype of plain objects, and would be copied without what they hold. */
function hasHiddenState(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isPromise(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value)
  );
}

/** Objects that have no prototype, but are none of the language's either. */
function isForeign(value: object): boolean {
  return types.isModuleNamespaceObject(value) || types.isExternal(value);
}
