import { OptionError, parseDuration } from '@reprise/store/contract';
import { ignoreThis } from './key/ignore-this.ts';
import type { Member } from './member.ts';
import { cachedTable, type OptionTable, readOptions } from './options.ts';
import type { AnyFunction } from './types.ts';

/** The options of `memoize` in their checked form. */
export interface MemoizeRead {
  /** Milliseconds. */
  readonly ttl: number;
  readonly maxSize: number;
  readonly key: AnyFunction | undefined;
  readonly per: 'instance' | 'class' | AnyFunction;
}

const defaultMaxSize = 10_000;

const table: OptionTable = {
  ttl: (value, where) => {
    if (typeof value !== 'function') return parseDuration(value, where);
    throw new OptionError(
      `${where} must be the same for all results; use cached, whose ttl may be a function of the result`,
    );
  },
  ...Object.fromEntries(Object.entries(cachedTable).filter(([option]) => ['maxSize', 'key', 'per'].includes(option))),
};

/**
 * @param where the member, as errors name it
 * @throws OptionError on an option that is unknown, one of `cached` alone, or one whose value cannot be meant
 */
export function readMemoizeOptions(options: unknown, member: Member, where: string): MemoizeRead {
  if (typeof options === 'object' && options !== null) {
    const foreign = Object.keys(options).find(
      (option) => !Object.hasOwn(table, option) && Object.hasOwn(cachedTable, option),
    );
    if (foreign !== undefined) {
      throw new OptionError(
        `${where}: ${foreign} is an option of cached; use cached, or leave it out: memoize has ${Object.keys(table).join(', ')}`,
      );
    }
  }
  const {
    ttl = Infinity,
    maxSize = defaultMaxSize,
    key,
    per,
  } = readOptions(table, options, where) as Partial<MemoizeRead>;
  if (key === ignoreThis) {
    if (per === undefined || per === 'class') return { ttl, maxSize, key: undefined, per: 'class' };
    throw new OptionError(
      `${where}: key: ignoreThis means per: 'class', and per says otherwise; leave one of them out`,
    );
  }
  return { ttl, maxSize, key, per: per ?? (member.kind === 'function' ? 'class' : 'instance') };
}
