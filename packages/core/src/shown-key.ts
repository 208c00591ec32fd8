import { quoteText } from './key/quote-text.ts';

/*
 * The keys of `getOrSet` stand in the store as `("rates")`: as a call of a function without a name, which no function is. People
 * see them as they wrote them.
 */

/** A key as people know it: what `getOrSet` was given, or the text of a function's call. */
export function shownKey(text: string): string {
  return text.startsWith('(') ? (JSON.parse(text.slice(1, -1)) as string) : text;
}

/**
 * What keys that people see begin with `prefix` begin with in the store: calls of functions, and keys of `getOrSet`. No function's
 * key begins with a parenthesis.
 */
export function storedPrefixes(prefix: string): string[] {
  if (prefix === '') return [''];
  const own = `(${quoteText(prefix).slice(0, -1)}`;
  return prefix.startsWith('(') ? [own] : [prefix, own];
}
