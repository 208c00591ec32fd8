import { labelMember, MethodMember } from '../member.ts';
import type { AnyFunction } from '../types/function.ts';
import type { Placing } from './placing.ts';
import { refusePlace } from './refusal.ts';

/** What a decorator of the TC39 dialect is told, as far as it is used here; compilers differ in the rest. */
export interface Context {
  readonly kind: string;
  readonly name: string | symbol | undefined;
  readonly static?: boolean;
  readonly private?: boolean;
  addInitializer?(initializer: (this: unknown) => void): void;
}

/** Whether a call's second argument is the context of the TC39 dialect. No options have a `kind`. */
export function isContext(value: unknown): value is Context {
  return (
    typeof value === 'object' && value !== null && 'name' in value && 'kind' in value && typeof value.kind === 'string'
  );
}

/**
 * Decorates in the TC39 dialect: the wrapper is returned, the class puts it in place.
 * The class is told by the class itself for static members, else by the first construction or call.
 */
export function placeStandard(placing: Placing, target: unknown, context: Context): AnyFunction {
  const { kind, name = '(anonymous)' } = context;
  const fits = kind === 'method' || (kind === 'getter' && placing.getters);
  if (!fits || typeof target !== 'function') {
    throw refusePlace(placing, kind === 'class' ? `class ${String(name)}` : labelMember(undefined, name), kind);
  }
  const isStatic = context.static === true;
  const isPrivate = context.private === true;
  const member = new MethodMember({ kind, name, isStatic, isPrivate });
  const wrapper = placing.wrap(target as AnyFunction, member);
  if (isStatic) {
    context.addInitializer?.(function () {
      if (typeof this === 'function') member.noticeClass(this);
    });
  } else if (!isPrivate) {
    context.addInitializer?.(function () {
      member.noticeConstruction(this, wrapper);
    });
  }
  return wrapper;
}
