import { tagCount } from './schedule.ts';

/*
 * What functions return says by itself how it is to be treated, so that options and model need no common memory:
 * `first:0 run 3 #02!` has the labels `t0` and `t2`, and is refused by `cacheIf`. An error whose message ends in `?` is odd.
 */

export function makeText(text: string, labels: readonly number[], unkept: boolean): string {
  return `${text}${labels.length > 0 ? ` #${labels.join('')}` : ''}${unkept ? '!' : ''}`;
}

/** What a function returns: the text, or, where everybody is to get a copy, an object with it. */
export function wrapText(text: string, isolate: boolean): unknown {
  return isolate ? { text } : text;
}

export function textIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
}

export function labelsIn(value: unknown): string[] {
  const digits = /#(\d+)/.exec(String(textIn(value)))?.[1] ?? '';
  return [...digits].map((digit) => nameTag(Number(digit)));
}

export function isRefused(value: unknown): boolean {
  return String(textIn(value)).endsWith('!');
}

export function isOdd(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('?');
}

export function nameTag(tag: number): string {
  return `t${tag % tagCount}`;
}
