import { keyText } from './key/key-text.ts';
import { quoteText } from './key/quote-text.ts';

/*
 * The keys of `getOrSet` stand in the store as `("rates")`, with a version `@2("rates")`: as a call of a function without a name, which no function is. People
 * see them as they wrote them.
 */

/** A key as people know it: what `getOrSet` was given, or the text of a function's call. */
export function shownKey(text: string): string {
  return /^[(@]/.test(text) ? (JSON.parse(text.slice(text.indexOf('(') + 1, -1)) as string) : text;
}

/**
 * What keys that people see begin with `prefix` begin with in the store: calls of functions, and keys of `getOrSet`. No function's
 * key begins with a parenthesis or an @.
 */
export function storedPrefixes(prefix: string, version: string | undefined): string[] {
  if (prefix === '') return [''];
  const own = keyText({ name: '', version, args: quoteText(prefix).slice(0, -1) }).slice(0, -1);
  return /^[(@]/.test(prefix) ? [own] : [prefix, own];
}
