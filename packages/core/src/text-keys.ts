import { OptionError } from '@reprise/store/contract';
import { adviseAboutMap } from './advice.ts';
import { textOfArgument, textOfArguments } from './key/argument-text.ts';
import { identityOf } from './key/identity.ts';
import { type BoundKey, boundKey, encodeName, keyText, namespacePrefix } from './key/key-text.ts';
import { isObject } from './key/value-kind.ts';
import { nameClass } from './member.ts';
import type { Remembered } from './remembered.ts';
import { askPart, namedKeyError, type Scope, type Telling } from './scope.ts';
import { withoutSignal } from './signal-argument.ts';

/** The keys of one function as text, for stores that know nothing else. */
export class TextKeys {
  readonly #remembered: Remembered;
  readonly #telling: Telling;
  readonly #namespace: string;
  /** Whether objects may be told by identity: only where the entries do not outlive the process. */
  readonly #identity: boolean;

  constructor(remembered: Remembered, telling: Telling, namespace: string, identity: boolean) {
    this.#remembered = remembered;
    this.#telling = telling;
    this.#namespace = namespace;
    this.#identity = identity;
  }

  /**
   * The key of a call, without the namespace.
   *
   * @param signal the caller's, which is no part of the key; by default looked for among the arguments, `null` where there is none
   */
  textOf(
    self: unknown,
    args: readonly unknown[],
    part: string | undefined,
    signal: AbortSignal | null = this.#remembered.signalOf(self, args) ?? null,
  ): string {
    const { key, version, name } = this.#telling;
    const label = this.#remembered.label();
    try {
      const told = key === undefined ? this.#told(args, signal) : [askPart('key', key, self, args, label)];
      if (told.length === 3) adviseAboutMap(this.#remembered, told);
      return keyText({ name: name(), version, part, args: textOfArguments(told, { label, identity: this.#identity }) });
    } catch (error) {
      throw namedKeyError(label, error);
    }
  }

  #told(args: readonly unknown[], signal: AbortSignal | null): readonly unknown[] {
    return signal === null ? args : withoutSignal(args, signal);
  }

  bound(text: string): BoundKey {
    return boundKey(this.#namespace, text);
  }

  /** A stored key without the namespace. */
  unbound(key: string): string {
    return this.#namespace === '' ? key : key.slice(namespacePrefix(this.#namespace).length);
  }

  /** Whether nothing but the arguments tells one call from another. */
  get isByArguments(): boolean {
    return this.#telling.key === undefined && this.#telling.per === 'class';
  }

  /** Whether entries belong to owners: objects or parts. */
  get isDivided(): boolean {
    return this.#telling.per !== 'class';
  }

  /** What stands for the owner in a key; `undefined` where all share. */
  partOf(self: unknown): string | undefined {
    const { per } = this.#telling;
    if (per === 'class') return undefined;
    const label = this.#remembered.label();
    if (typeof per === 'function') {
      return textOfArgument(
        askPart('per', per, undefined, [self], label),
        { identity: this.#identity, label },
        'what per returned',
      );
    }
    if (!this.#identity && this.#remembered.member.isStatic && typeof self === 'function') {
      // Classes persist by their names. The declaring one is in the function's name already.
      const name = nameClass(self);
      if (self === this.#remembered.member.owner()) return undefined;
      if (!name.startsWith('(')) return encodeName(name);
    }
    if (!this.#identity) {
      throw new OptionError(
        `@${this.#remembered.verb} on ${label}: per: 'instance', the default of methods, means nothing in a store that outlives the process; say ` +
          `per: 'class' if 'this' makes no difference, or per: (self) => … with what tells owners apart (a tenant, a user id)`,
      );
    }
    if (self === undefined) return undefined;
    if (isObject(self)) return identityOf(self);
    return textOfArgument(self, { identity: true, label });
  }

  /** What all keys of the scope begin with, and no others. */
  prefixesOf(scope: Scope): readonly string[] {
    const { version, name, per } = this.#telling;
    const head = keyText({ name: name(), version, args: '' }).slice(0, -2);
    if (per === 'class') return [`${head}(`];
    // A method called on nothing has no part.
    if (scope.everyone) return per === 'instance' ? [`${head}<`, `${head}(`] : [`${head}<`];
    const part = this.partOf(scope.self);
    return [part === undefined ? `${head}(` : `${head}<${part}>(`];
  }
}
