import { OptionError } from '@reprise/store/contract';
import { functionMember, isClass, type Member, nameClass } from '../member.ts';
import type { AnyFunction, FunctionObject } from '../types/function.ts';
import { dress, refuseHidden } from './dress.ts';
import { isLegacyCall, placeLegacy } from './legacy.ts';
import type { Placing, Verb } from './placing.ts';
import { isContext, placeStandard } from './standard.ts';

/** What makes a verb of its own. */
export interface VerbParts {
  readonly verb: Verb;
  /** Whether it can stand on getters. */
  readonly getters: boolean;
  /** What a wrapped function's handle is made of: properties that the function itself may not have. */
  readonly handle: readonly string[];
  /** Wraps; `options` are as the user gave them. Checks them, and throws naming {@link locate}. */
  wrap(fn: AnyFunction, member: Member, options: unknown): AnyFunction;
}

/** What is wrapped, as errors name it: `@cached on Users.find`, `cached(load)`. */
export function locate(verb: string, member: Member): string {
  return member.kind === 'function' ? `${verb}(${member.label()})` : `@${verb} on ${member.label()}`;
}

/**
 * The function behind `cached`, `cachedMany` and `memoize`: `verb(fn, options?)`, `@verb`, `@verb()` and `@verb(options)`, in the standard
 * dialect and that of `experimentalDecorators`, told apart by what they are called with.
 *
 * Each application of a decorator wraps anew, so one decorator object can serve several members.
 */
export function makeVerb(parts: VerbParts): (...call: unknown[]) => unknown {
  const { verb, getters, handle } = parts;

  function decorateWith(options: unknown): (...application: unknown[]) => unknown {
    const placing: Placing = {
      verb,
      getters,
      wrap(fn, member) {
        const wrapper = parts.wrap(fn, member, options);
        dress(wrapper, fn, locate(verb, member));
        return wrapper;
      },
    };
    return (...application) => {
      if (isContext(application[1])) return placeStandard(placing, application[0], application[1]);
      if (isLegacyCall(application)) return placeLegacy(placing, ...application);
      const [target] = application;
      if (typeof target === 'function' && isClass(target)) throw classError(verb, target);
      throw new OptionError(
        `@${verb}: a decorator was called as a function; write @${verb}(options) before a method, or ${verb}(fn, options)`,
      );
    };
  }

  function wrapFunction(fn: AnyFunction, options: unknown): unknown {
    if (isClass(fn)) throw classError(verb, fn);
    const member = functionMember(fn);
    const where = locate(verb, member);
    refuseHidden(fn, handle, where);
    const wrapper = parts.wrap(fn, member, options);
    dress(wrapper, fn, where);
    return wrapper;
  }

  const bare = decorateWith(undefined);

  const applyVerb = (...call: unknown[]): unknown => {
    const [first, second] = call;
    if (isContext(second) || isLegacyCall(call)) return bare(...call);
    if (typeof first === 'function') return wrapFunction(first as AnyFunction, second);
    if (call.length < 2 && (first === undefined || isOptions(first))) return decorateWith(first);
    throw new OptionError(
      `${verb}: ${describe(first)} is neither a function nor options; write ${verb}(fn, options), or @${verb}(options)`,
    );
  };
  return Object.defineProperty(applyVerb, 'name', { value: verb });
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function classError(verb: string, target: FunctionObject): OptionError {
  const name = nameClass(target);
  return new OptionError(
    `@${verb} on class ${name}: a class cannot be wrapped; decorate its methods, or wrap a function: ` +
      `${verb}((...args) => new ${name}(...args))`,
  );
}
