import { quoteText } from './key/quote-text.ts';

/*
 * The keys of `getOrSet` stand in the store as `("rates")`: as a call of a function without a name, which no function is. People
 * see them as they wrote them.
 */

/** A key as people know it: what `getOrSet` was given, or the text of a function's call. */
export function shownKey(text: string): string {
  return text.startsWith('(') ? (JSON.parse(text.slice(1, -1)) as string) : text;
}

/** What the keys of `getOrSet` that begin with `prefix` begin with in the store. */
export function storedPrefix(prefix: string): string {
  return `(${quoteText(prefix).slice(0, -1)}`;
}
