import { cached, memoize } from '@reprise/core';
import { lifetime } from './feature.ts';

/**
 * Has Reprise remember a dozen other functions, with other arguments and answers, so that a row can be timed as in a
 * program that uses it everywhere: V8 knows the code of the library from all of them then.
 */
export async function useElsewhere(): Promise<void> {
  const functions = [
    () => 'nothing',
    (n: number) => n / 2,
    (id: string) => ({ id }),
    (isOpen: boolean) => [isOpen],
    (id: string, n: number) => id + n,
    (n: number, id: string) => ({ [id]: n }),
    (options: { depth: number }) => options.depth,
    (list: number[]) => list.length,
    (n: number, id: string, isOpen: boolean) => (isOpen ? n : id),
    (id: symbol) => String(id),
    async (id: string) => id,
    async (n: number, options: { deep: boolean }) => (options.deep ? n : undefined),
  ] as readonly ((...args: unknown[]) => unknown)[];
  const symbol = Symbol('shared');
  for (const fn of functions) {
    for (const remember of [memoize(fn), cached(fn), cached(fn, lifetime)]) {
      for (let i = 0; i < 2000; i++) {
        const n = i % 50;
        const [first, second, third] = pickArguments(functions.indexOf(fn), n, symbol);
        if (fn.length === 0) await remember();
        else if (fn.length === 1) await remember(first);
        else if (fn.length === 2) await remember(first, second);
        else await remember(first, second, third);
      }
    }
  }
}

function pickArguments(index: number, n: number, symbol: symbol): readonly unknown[] {
  const arguments_: readonly (readonly unknown[])[] = [
    [],
    [n + 0.5],
    [`id${n}`],
    [n % 2 === 0],
    [`id${n}`, n],
    [n, `id${n}`],
    [{ depth: n }],
    [[n, n + 1]],
    [n, `id${n}`, n % 2 === 0],
    [symbol],
    [`id${n}`],
    [n, { deep: n % 2 === 0 }],
  ];
  return arguments_[index] ?? [];
}
