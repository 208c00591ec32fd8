import { constructorOf, isClass, labelMember, MethodMember } from '../member.ts';
import type { AnyFunction, FunctionObject } from '../types/function.ts';
import type { Placing } from './placing.ts';
import { refusePlace } from './refusal.ts';

type LegacyCall = [target: object, name: string | symbol | undefined, third?: unknown];

/**
 * Whether a decorator is being called as `experimentalDecorators` call it: (prototype or class, name, descriptor), a field's
 * descriptor being `undefined`, a parameter's its index. `verb(fn, 'text')` is none, but a wrong option.
 */
export function isLegacyCall(call: unknown[]): call is LegacyCall {
  const [target, name, third] = call;
  // TypeScript gives the number itself for a member named by one.
  if (typeof name === 'number') return typeof third === 'object' || typeof target === 'object';
  if (typeof name !== 'string' && typeof name !== 'symbol') return call.length > 2 && typeof third === 'number';
  if (typeof target === 'function') return call.length > 2 || isClass(target);
  return typeof target === 'object' && target !== null;
}

/**
 * Decorates in the dialect of `experimentalDecorators`. The descriptor is changed in place and returned, so that it serves
 * those who apply decorators by hand either way; a frozen one is answered by a changed copy. Its flags stay.
 */
export function placeLegacy(
  placing: Placing,
  target: object,
  name: string | symbol | undefined,
  third?: unknown,
): PropertyDescriptor {
  const isStatic = typeof target === 'function';
  const owner = isStatic ? (target as FunctionObject) : constructorOf(target);
  const label = labelMember(owner, name ?? 'constructor');
  if (typeof third === 'number') throw refusePlace(placing, `parameter ${third + 1} of ${label}`, 'parameter');
  const descriptor = third as PropertyDescriptor | undefined;
  const kind = kindOf(descriptor);
  const fits = kind === 'method' || (kind === 'getter' && placing.getters);
  if (!fits || name === undefined || descriptor === undefined) throw refusePlace(placing, label, kind);
  const member = new MethodMember({ kind, name, isStatic, isPrivate: false, owner });
  const placed = Object.isFrozen(descriptor) ? { ...descriptor } : descriptor;
  if (kind === 'getter') placed.get = placing.wrap(descriptor.get as AnyFunction, member);
  else placed.value = placing.wrap(descriptor.value as AnyFunction, member);
  return placed;
}

function kindOf(descriptor: PropertyDescriptor | undefined): 'method' | 'getter' | 'setter' | 'field' {
  if (typeof descriptor?.value === 'function') return 'method';
  if (typeof descriptor?.get === 'function') return 'getter';
  return typeof descriptor?.set === 'function' ? 'setter' : 'field';
}
