import { OptionError, RepriseError } from '@reprise/store/contract';
import { homeOf } from './cache.ts';
import { describe } from './decorator/verb.ts';
import { codeOf, textOf, warnOnce } from './events.ts';
import { tagsOf } from './keeping.ts';
import { isOneShot, isThenable } from './one-shot.ts';
import { getCache } from './registry.ts';
import { areVoided, invalidateTags, tagEpoch } from './tags.ts';
import type { Target } from './target.ts';
import type { AnyFunction, Cache } from './types.ts';
import type { CacheOptions, CallOptions } from './write-options.ts';
import { findMeant } from './write-target.ts';
import { WriteWatch } from './write-watch.ts';

/**
 * What one call of a write does to caches. None of it throws or rejects: the write's result stands, and what goes wrong is an `error`
 * event where it can be told.
 */
export interface Deed {
  /** The write begins. */
  begin?(): void;
  /** The write has ended, well or not. */
  end?(): void;
  /**
   * Does it. Here it is done when this returns.
   * @param isPromised whether the result came by a promise
   * @returns a promise where a store has to be told
   */
  perform(result: unknown, args: readonly unknown[], isPromised: boolean): Promise<void> | undefined;
}

/** A write's place, as errors name it: `@invalidates on Users.rename`. */
export type Place = () => string;

/** Removes what a call, or every call, of the target has. @throws OptionError where there is no such target */
export function prepareInvalidation({ of, args: callback, all }: CallOptions, self: unknown, place: Place): Deed {
  const targets = findMeant(of, self, place);
  return {
    perform(result, args) {
      if (all) return joinAll(targets.map(clearTarget));
      if (callback === undefined) {
        return joinAll(
          // With another number of arguments it cannot be that call: which one it is, nobody has said.
          targets.map((target) =>
            args.length === target.handle.original.length ? invalidateCall(target, args, place) : clearTarget(target),
          ),
        );
      }
      const told = askArguments(callback, self, [result, ...args], targets, place);
      return joinAll(
        targets.map((target) => (told === undefined ? clearTarget(target) : invalidateCall(target, told, place))),
      );
    },
  };
}

/** Puts the result in place of a run's. @throws OptionError where there is no such target */
export function prepareUpdate({ of, args: callback }: CallOptions, self: unknown, place: Place): Deed {
  const targets = findMeant(of, self, place);
  const [target, ...overridden] = targets;
  if (target.scope.everyone && !target.isShared) {
    throw new OptionError(
      `${place()}: each owner has entries of ${target.label()} of his own, and whose entry the result is, is not known; give it ` +
        `per: 'class', or use invalidates, which reaches every owner's`,
    );
  }
  const emitter = target.remembered?.().emitter;
  let watch: WriteWatch | undefined;
  let epoch = 0;

  /** A result that may be older than what there is, or that only one caller can read, leaves nothing in the place of its call. */
  function store(told: readonly unknown[], result: unknown, isPromised: boolean): unknown {
    const { handle } = target;
    const key = handle.keyOf(...told);
    const isReadable = !isOneShot(result);
    if (!isReadable) report(target, oneShotError(target, place));
    const isNewest = !watch?.voids(key) && !hasVoidedTags(target, epoch, told, result, key);
    // A function that has never run, and may return promises: a bare value could be the wrong answer.
    const isShaped = !isPromised || target.isShapeKnown();
    return isReadable && isNewest && isShaped ? handle.set([...told], result) : handle.invalidate(...told);
  }

  return {
    begin() {
      watch = new WriteWatch(target.memory, emitter);
      epoch = tagEpoch();
    },
    end() {
      watch?.end();
    },
    perform(result, args, isPromised) {
      const told = askArguments(callback as AnyFunction, self, [result, ...args], targets, place);
      if (told === undefined) return joinAll(targets.map(clearTarget));
      return joinAll([
        attempt(
          () => store(told, result, isPromised),
          (error) => recoverFrom(error, target, place),
        ),
        ...overridden.map((other) => invalidateCall(other, told, place)),
      ]);
    },
  };
}

function oneShotError({ label }: Target, place: Place): RepriseError {
  return new RepriseError(
    'E_ONE_SHOT',
    `${place()}: the result can be read only once (a stream, an iterator, a Response) and was not stored in ${label()}; return ` +
      'what is read from it instead',
  );
}

/** Whether a label that the result would have has been invalidated since the epoch in which its write began. */
function hasVoidedTags(
  { remembered, scope }: Target,
  epoch: number,
  told: readonly unknown[],
  result: unknown,
  key: string,
): boolean {
  if (epoch === tagEpoch() || remembered === undefined) return false;
  const { policy } = remembered();
  const judged = { policy, self: scope.self, args: told, key: () => key };
  const tags = tagsOf(remembered(), judged, result, undefined);
  return tags === undefined || areVoided(tags, epoch);
}

/** Invalidates labels, and keys of `getOrSet`. @throws OptionError where there is no cache of that name, and has been none */
export function prepareCacheDeed(options: CacheOptions, self: unknown, place: Place): Deed {
  const { keys, tags } = options;
  const cache = findCache(options, place);
  return {
    perform(result, args) {
      const given = [result, ...args];
      const list = (option: 'keys' | 'tags', said: readonly string[] | AnyFunction): readonly string[] => {
        try {
          return typeof said === 'function' ? askList(said, self, given) : said;
        } catch (error) {
          const text = `${place()}: ${option} threw ${textOf(error)}; nothing was invalidated by it`;
          reportAt(cache, options, new RepriseError('E_CALLBACK', text, { cause: error }));
          return [];
        }
      };
      const failed = (error: unknown): undefined => reportAt(cache, options, error);
      const dropped =
        cache === undefined || keys === undefined
          ? []
          : list('keys', keys).map((key) => attempt(() => cache.delete(key), failed));
      const labels = tags === undefined ? [] : list('tags', tags);
      return joinAll([...dropped, labels.length === 0 ? undefined : attempt(() => invalidateTags(labels), failed)]);
    },
  };
}

/** Effects whose cache, given by name, has been there: if it is not any more, it was closed. */
const found = new WeakSet<CacheOptions>();

function findCache(options: CacheOptions, place: Place): Cache | undefined {
  const { cache } = options;
  if (typeof cache !== 'string') return cache as Cache | undefined;
  const named = getCache(cache);
  if (named !== undefined) found.add(options);
  else if (!found.has(options)) {
    throw new OptionError(
      `${place()}: there is no cache named '${cache}' yet; call createCache({ name: '${cache}' }) before the first call, in a module ` +
        'that is imported before',
    );
  }
  return named;
}

/** The arguments of the call that is meant; `undefined`: it cannot be told, which has been reported. */
function askArguments(
  callback: AnyFunction,
  self: unknown,
  given: readonly unknown[],
  [target]: readonly [Target, ...Target[]],
  place: Place,
): readonly unknown[] | undefined {
  try {
    const answer: unknown = askAtOnce(callback, self, given);
    if (Array.isArray(answer)) return answer;
    throw new TypeError(
      `it answered ${describe(answer)}, and must answer an array: what ${target.label()} is called with`,
    );
  } catch (error) {
    const text = `${place()}: args threw ${textOf(error)}; which call is meant is not known, so all entries of ${nameEntries(target)} go`;
    report(target, new RepriseError('E_CALLBACK', text, { cause: error }));
    return undefined;
  }
}

function askList(callback: AnyFunction, self: unknown, given: readonly unknown[]): readonly string[] {
  const answer: unknown = askAtOnce(callback, self, given);
  if (Array.isArray(answer) && answer.every((item) => typeof item === 'string')) return answer as string[];
  throw new TypeError(`it answered ${describe(answer)}, and must answer an array of strings`);
}

function askAtOnce(callback: AnyFunction, self: unknown, given: readonly unknown[]): unknown {
  const answer: unknown = Reflect.apply(callback, self, given);
  if (!isThenable(answer)) return answer;
  // Nobody waits for it; its failure must not end the process.
  answer.then(undefined, () => {});
  throw new TypeError('it answered a promise, and must be synchronous');
}

function invalidateCall(target: Target, told: readonly unknown[], place: Place): Promise<void> | undefined {
  return attempt(
    () => target.handle.invalidate(...told),
    (error) => recoverFrom(error, target, place),
  );
}

/** Where the key of the call cannot be told, all goes that may have been meant. */
function recoverFrom(error: unknown, target: Target, place: Place): Promise<void> | undefined {
  const text = `${place()}: ${textOf(error)}; which call is meant is not known, so all entries of ${nameEntries(target)} go`;
  report(target, new RepriseError(codeOf(error) as RepriseError['code'], text, { cause: error }));
  return clearTarget(target);
}

function clearTarget(target: Target): Promise<void> | undefined {
  return attempt(
    () => target.handle.clear(),
    // Not even the owner can be told.
    () =>
      attempt(
        () => target.whole().clear(),
        () => undefined,
      ),
  );
}

function nameEntries({ label, scope, isShared }: Target): string {
  return scope.everyone || isShared ? label() : `${label()} that belong to the object`;
}

/**
 * Does what may fail, now or later, without being stopped by it. Failures of stores have been reported where they happened; any other
 * is `recover`'s.
 */
function attempt(
  operation: () => unknown,
  recover: (error: unknown) => Promise<void> | undefined,
): Promise<void> | undefined {
  const fail = (error: unknown): Promise<void> | undefined => (isReported(error) ? undefined : recover(error));
  try {
    const answer = operation();
    return isThenable(answer) ? Promise.resolve(answer).then(() => {}, fail) : undefined;
  } catch (error) {
    return fail(error);
  }
}

function isReported(error: unknown): boolean {
  return error instanceof RepriseError && ['E_STORE', 'E_CLOSED', 'E_CODEC'].includes(error.code);
}

/** Several at a time; `undefined` where all are done. */
export function joinAll(deeds: readonly (Promise<void> | undefined)[]): Promise<void> | undefined {
  const rest = deeds.filter((deed) => deed !== undefined);
  if (rest.length === 0) return undefined;
  return rest.length === 1 ? rest[0] : Promise.all(rest).then(() => {});
}

/** Tells who listens to the target's function; `memoize` has no events, so a process warning tells of it. */
function report({ remembered, memory }: Target, error: RepriseError): void {
  try {
    if (remembered === undefined) warnOnce(memory, error.code, error.code, error.message);
    else remembered().report(error);
  } catch {
    // Its cache, given by name, has become another one, which does not take the function in: nobody listens.
  }
}

function reportAt(cache: Cache | undefined, options: CacheOptions, error: unknown): undefined {
  const home = cache && homeOf(cache);
  const told = home?.emitter.emit({ type: 'error', cache: home.name, name: undefined, key: undefined, error });
  if (!told) warnOnce(home ?? options, codeOf(error), codeOf(error), textOf(error));
}
