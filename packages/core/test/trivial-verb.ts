import { locate, makeVerb } from '../src/decorator/verb.ts';
import type { Member } from '../src/member.ts';
import type { AnyFunction, CachedVerb, MemoizeVerb } from '../src/types.ts';

/** What the verbs below have wrapped, in order. */
export const wrapped: { readonly member: Member; readonly options: unknown; readonly fn: AnyFunction }[] = [];

/** An engine as simple as can be: remembers for each receiver, by the text of the arguments, for ever. */
function remember(verb: string): (fn: AnyFunction, member: Member, options: unknown) => AnyFunction {
  return (fn, member, options) => {
    if (Object.hasOwn(options ?? {}, 'nope')) throw new TypeError(`${locate(verb, member)}: there is no option 'nope'`);
    wrapped.push({ member, options, fn });
    const results = new Map<unknown, Map<string, unknown>>();
    const { wrapper } = {
      wrapper(this: unknown, ...args: unknown[]): unknown {
        member.notice(this, wrapper);
        const own = results.get(this) ?? new Map<string, unknown>();
        results.set(this, own);
        const key = JSON.stringify(args);
        if (!own.has(key)) own.set(key, Reflect.apply(fn, this, args));
        return own.get(key);
      },
    };
    if (member.kind === 'function') Object.defineProperty(wrapper, 'clear', { value: () => results.clear() });
    return wrapper;
  };
}

export const cached = makeVerb({
  verb: 'cached',
  getters: false,
  handle: ['clear'],
  wrap: remember('cached'),
}) as CachedVerb;

export const memoize = makeVerb({
  verb: 'memoize',
  getters: true,
  handle: ['clear'],
  wrap: remember('memoize'),
}) as MemoizeVerb;
