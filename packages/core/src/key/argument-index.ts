import { textOfArgument } from './argument-text.ts';
import { Level, stepInto, type Watcher } from './index-level.ts';
import { type ArgumentPath, capturePath, IdentityToken, isPrimitive, ShapeToken, TextToken } from './index-token.ts';
import { quoteText } from './quote-text.ts';

/*
 * From arguments to leaves, without text where the arguments are primitives:
 *
 *   f('a', 1)          root 2 → 'a' → 1 → leaf
 *   f({ b: 2, a: 1 })  root 1 → keys "a","b" → 2 → 1 → leaf
 *   f([1, 2])          root 1 → text "[1,2]" → leaf
 *   f(user)            root 1 ⇢ user → leaf            (⇢ weakly)
 *
 * Two argument lists lead to the same leaf exactly when `textOfArguments` gives them the same text.
 */

/** Where a leaf stands. */
export interface Place {
  readonly level: Level;
  readonly token: unknown;
}

/** What is left to do when something that was known by identity has been collected. */
interface Remains {
  readonly level: Level | WeakRef<Level>;
  readonly token: IdentityToken;
  /** What stood behind it, for whoever wants to hear of it. */
  readonly child: WeakRef<object> | undefined;
}

/**
 * A map from argument lists to leaves of any kind. It keeps snapshots of what is compared by value,
 * and holds weakly what is known by identity: when that is collected its leaves go, even if one of them leads back to it.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { ArgumentIndex } from './argument-index.ts';
 * import { capturePath } from './index-token.ts';
 *
 * const index = new ArgumentIndex<string>();
 * const place = index.put(capturePath([{ page: 1, size: 20 }]), 'leaf');
 * assert.equal(index.find([{ size: 20, page: 1 }]), 'leaf');
 * assert.equal(index.find([{ size: 20, page: '1' }]), undefined);
 * assert.deepEqual(index.textsAt(place), ['{"page":1,"size":20}']);
 * assert.equal(index.drop(place.level, place.token), true);
 */
export class ArgumentIndex<Leaf> implements Watcher {
  readonly #roots: (Level | undefined)[] = [];
  readonly #collected: ((leaf: Leaf) => void) | undefined;
  #registry: FinalizationRegistry<Remains> | undefined;
  #size = 0;
  #miscounted = false;

  /** @param collected hears of each leaf that went with something collected and is still held elsewhere */
  constructor(collected?: (leaf: Leaf) => void) {
    this.#collected = collected;
  }

  /** How many leaves there are. */
  get size(): number {
    if (this.#miscounted) {
      this.#miscounted = false;
      this.#size = 0;
      for (const _ of this.places()) this.#size++;
    }
    return this.#size;
  }

  /** The first level of the calls with so many arguments; the same one as long as the index lives. */
  root(arity: number): Level {
    this.#roots[arity] ??= new Level(undefined, arity);
    return this.#roots[arity];
  }

  /** The leaf of a call; `undefined` where there is none, or it is that. @throws KeyError when an argument cannot be read */
  find(args: ArrayLike<unknown>): Leaf | undefined {
    let child: unknown = this.#roots[args.length];
    if (child === undefined) return undefined;
    if (args.length === 0) return (child as Level).children.get(undefined) as Leaf | undefined;
    for (let index = 0; index < args.length; index++) {
      child = stepInto(child as Level, args[index]);
      if (child === undefined) return holdsObject(args) ? this.at(capturePath(args)) : undefined;
    }
    return child as Leaf;
  }

  /** {@link find} of a call with one argument. */
  find1(first: unknown): Leaf | undefined {
    const root = this.#roots[1];
    if (root === undefined) return undefined;
    const leaf = stepInto(root, first);
    return (leaf === undefined && !isPrimitive(first) ? this.find([first]) : leaf) as Leaf | undefined;
  }

  /** The leaf of a call whose arguments were captured before; `undefined` where there is none, or it is that. */
  at(path: ArgumentPath): Leaf | undefined {
    let child: unknown = this.#roots[path.arity];
    for (let step = 0; step < path.tokens.length && child !== undefined; step++) {
      child = follow(child as Level, path, step);
    }
    return child as Leaf | undefined;
  }

  /** Whether there is a leaf for a call whose arguments were captured before, be it `undefined`. */
  has(path: ArgumentPath): boolean {
    return this.placeOf(path) !== undefined;
  }

  /** Where the leaf of a captured path stands; `undefined` where there is none. */
  placeOf(path: ArgumentPath): Place | undefined {
    let level = this.#roots[path.arity];
    const last = path.tokens.length - 1;
    for (let step = 0; step < last && level !== undefined; step++)
      level = follow(level, path, step) as Level | undefined;
    const token = path.tokens[last];
    return level?.has(token) ? { level, token } : undefined;
  }

  /** Puts a leaf where a captured path leads, in place of the one that was there. */
  put(path: ArgumentPath, leaf: Leaf): Place {
    let level = this.root(path.arity);
    const last = path.tokens.length - 1;
    for (let step = 0; step < last; step++) {
      level = (follow(level, path, step) as Level | undefined) ?? this.#grow(level, path.tokens[step]);
    }
    const token = path.tokens[last];
    this.putAt(level, token, leaf);
    return { level, token };
  }

  /** Puts a leaf behind a token of a level that is part of the index. */
  putAt(level: Level, token: unknown, leaf: Leaf): void {
    if (level.set(token, leaf, this)) this.#size++;
  }

  /** Takes a leaf out, and the levels that were only there for it. */
  drop(level: Level, token: unknown): boolean {
    if (!level.delete(token, this)) return false;
    this.#size--;
    this.#prune(level);
    return true;
  }

  /** Takes everything out. */
  clear(): void {
    for (const root of this.#roots) root?.clear();
    // It could only tell of what is gone.
    this.#registry = undefined;
    this.#size = 0;
    this.#miscounted = false;
  }

  /** All leaves, in no order. They may be dropped meanwhile. */
  *leaves(): Generator<Leaf, void, undefined> {
    for (const { leaf } of this.places()) yield leaf;
  }

  /** All leaves and where they stand, in no order. They may be dropped meanwhile. */
  *places(): Generator<Place & { readonly leaf: Leaf }, void, undefined> {
    for (const root of this.#roots) {
      if (root === undefined) continue;
      for (const { level, token, child } of endsOf(root, Math.max(1, root.token as number))) {
        yield { level, token, leaf: child as Leaf };
      }
    }
  }

  /** The text of each argument of the call whose leaf stands at a place, as `textOfArgument` writes it. */
  textsAt({ level, token }: Place): string[] {
    const tokens = [token];
    let root = level;
    for (; root.parent !== undefined; root = root.parent) tokens.push(root.token);
    if (root.token === 0) return [];
    tokens.reverse();
    const texts: string[] = [];
    for (let step = 0; step < tokens.length; step++) {
      const first = tokens[step];
      if (first instanceof ShapeToken) {
        texts.push(textOfFlat(first, tokens.slice(step + 1, step + 1 + first.keys.length)));
        step += first.keys.length;
      } else texts.push(textOfToken(first));
    }
    return texts;
  }

  /** For its levels: an identity that matters. */
  watch(level: Level, token: IdentityToken, child: unknown): void {
    const value = token.ref.deref();
    if (value === undefined) return;
    this.#registry ??= new FinalizationRegistry((remains) => this.#bury(remains));
    const heard = this.#collected !== undefined && typeof child === 'object' && child !== null;
    this.#registry.register(
      value,
      {
        level: level.isPassing ? level.ref : level,
        token,
        child: heard ? new WeakRef(child) : undefined,
      },
      token,
    );
  }

  /** For its levels: an identity that matters no more. */
  unwatch(token: IdentityToken): void {
    this.#registry?.unregister(token);
  }

  #grow(level: Level, token: unknown): Level {
    const child = new Level(level, token);
    level.set(token, child, this);
    return child;
  }

  #prune(level: Level): void {
    for (let empty = level; empty.parent !== undefined && empty.isEmpty; empty = empty.parent) {
      empty.parent.delete(empty.token, this);
    }
  }

  #bury({ level: handle, token, child }: Remains): void {
    const level = handle instanceof WeakRef ? handle.deref() : handle;
    if (level === undefined || !level.objects?.forget(token)) return;
    this.#miscounted = true;
    const stood = child?.deref();
    if (stood !== undefined && this.#collected !== undefined) {
      if (stood instanceof Level) {
        for (const end of endsOf(stood, remainingBelow(stood))) this.#collected(end.child as Leaf);
      } else this.#collected(stood as Leaf);
    }
    this.#prune(level);
  }
}

/** What stands behind a step of a path. The values of an object whose keys come in another order than here are put in order. */
function follow(level: Level, path: ArgumentPath, step: number): unknown {
  const token = path.tokens[step];
  const child = level.get(token);
  if (!(token instanceof ShapeToken) || child === undefined) return child;
  const kept = (child as Level).token as ShapeToken;
  if (kept !== token) {
    const values = path.tokens.slice(step + 1, step + 1 + token.keys.length);
    kept.keys.forEach((key, index) => {
      path.tokens[step + 1 + index] = values[token.keys.indexOf(key)];
    });
    path.tokens[step] = kept;
  }
  return child;
}

/** Everything that stands at the end of a path, `remaining` tokens below a level. */
function* endsOf(
  level: Level,
  remaining: number,
): Generator<{ level: Level; token: unknown; child: unknown }, void, undefined> {
  for (const [token, child] of level.entries()) {
    const next = remaining - 1 + (token instanceof ShapeToken ? token.keys.length : 0);
    if (next === 0) yield { level, token, child };
    else yield* endsOf(child as Level, next);
  }
}

/** How many tokens there are from a level to a leaf, itself not counted. */
function remainingBelow(level: Level): number {
  let remaining = 0;
  let root = level;
  for (; root.parent !== undefined; root = root.parent) {
    remaining += root.token instanceof ShapeToken ? root.token.keys.length - 1 : -1;
  }
  return remaining + (root.token as number);
}

function textOfToken(token: unknown): string {
  return token instanceof TextToken || token instanceof IdentityToken
    ? token.text
    : textOfArgument(token, { identity: true });
}

/** As `textOfArgument` writes a plain object: keys sorted. */
function textOfFlat(shape: ShapeToken, values: readonly unknown[]): string {
  const parts = shape.keys.map((key, index) => ({ key, text: textOfToken(values[index]) }));
  parts.sort((one, other) => (one.key < other.key ? -1 : 1));
  return `{${parts.map(({ key, text }) => `${quoteText(key)}:${text}`).join(',')}}`;
}

function holdsObject(args: ArrayLike<unknown>): boolean {
  for (let index = 0; index < args.length; index++) if (!isPrimitive(args[index])) return true;
  return false;
}

/**
 * What a {@link SlotIndex} consists of: an object that stands for one call, and knows where it stands. Extend it with whatever is
 * known of that call.
 */
export class Slot {
  /** Set by the index, and kept after the removal. */
  level: Level | undefined = undefined;
  token: unknown = undefined;
}

/** An {@link ArgumentIndex} of slots, which can be removed and written out by themselves. */
export class SlotIndex<S extends Slot> extends ArgumentIndex<S> {
  /**
   * Puts a slot for a call; there must be none. Its snapshot of the arguments is taken now.
   *
   * @throws KeyError when an argument cannot be read
   */
  add(args: ArrayLike<unknown>, slot: S): void {
    const { level, token } = this.put(capturePath(args), slot);
    slot.level = level;
    slot.token = token;
  }

  /** Takes a slot out, and what was only there for it. Answers whether it was in. */
  remove(slot: S): boolean {
    const { level, token } = slot;
    return level !== undefined && level.get(token) === slot && this.drop(level, token);
  }

  /** All slots, in no order. They may be removed meanwhile. */
  slots(): Generator<S, void, undefined> {
    return this.leaves();
  }

  /** The text of a slot's arguments, as `textOfArguments` writes it; also after its removal. */
  textOf(slot: S): string {
    return slot.level === undefined ? '' : this.textsAt({ level: slot.level, token: slot.token }).join(',');
  }
}
