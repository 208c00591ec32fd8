import { assertHit, assertMiss, type ConformanceCase } from './case.ts';

const long = 'k'.repeat(65_536);

const sets: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['the empty string', ['', ' ']],
  ['64 KB, differing in the last character only', [`${long}a`, `${long}b`, long]],
  ['300 characters, differing in the last one only', [`${'k'.repeat(300)}a`, `${'k'.repeat(300)}b`]],
  ['upper and lower case', ['key', 'Key', 'KEY', 'ß', 'SS', 'ss']],
  ['precomposed and combining accents', ['\u00e9', 'e\u0301', 'e']],
  ['emoji and other scripts', ['🎈', '🎉', '日本', '日本語', 'İ', 'i']],
  ['lone surrogates', ['\ud800', '\udfff', '\ufffd', '\ud800x']],
  ['newlines, tabs and NUL', ['a\nb', 'a\r\nb', 'a\tb', 'a\u0000b', 'a', 'ab', 'a\u0000']],
  ['names of Object.prototype', ['__proto__', 'constructor', 'toString', 'hasOwnProperty']],
  ['slashes and dots', ['a/b', 'a//b', 'a\\b', '/a/b', 'a/b/', '.', '..', '../a', './a', 'a/../a']],
  ['percent and what it encodes', ['a%2Fb', 'a%2fb', 'a/b', 'a%', '%', '%25', 'a%252Fb']],
  ['quotes, wildcards and separators', ["a'b", 'a"b', 'a`b', 'a*', 'a?', 'a[b]', 'a_b', 'a:b', 'a;b', 'a|b', '{a}']],
  ['one a prefix of another', ['find', 'find(', 'find("4")', 'find("42")', 'finder']],
  ['spaces at the ends', ['a', ' a', 'a ', 'a  ']],
  ['numbers in other words', ['1', '01', '1.0', '1e0', '+1', '-0', '0']],
  ['names a file system keeps for itself', ['con', 'nul', 'aux.txt', 'index', 'tmp', '~', '-rf']],
];

/** Keys: any two strings are two keys. */
export const keyCases: readonly ConformanceCase[] = [
  ...sets.map(
    ([name, keys]): ConformanceCase => ({
      name: `told apart: ${name}`,
      run: async (trial) => {
        const store = await trial.open();
        // First alone, so that a key which reads another's entry is not hidden by its own.
        for (const key of keys) {
          await assertMiss(store, key);
          await store.set(key, trial.entry(`value of ${key.length} ${key.slice(-40)}`));
        }
        for (const key of keys) await assertHit(store, key, `value of ${key.length} ${key.slice(-40)}`);
        const [first, ...others] = keys as [string, ...string[]];
        await store.delete(first);
        await assertMiss(store, first);
        for (const key of others) await assertHit(store, key, `value of ${key.length} ${key.slice(-40)}`);
      },
    }),
  ),
  {
    name: 'a thousand keys hold a thousand values',
    run: async (trial) => {
      const store = await trial.open();
      for (let index = 0; index < 1_000; index++) await store.set(`key:${index}`, trial.entry(index));
      for (let index = 0; index < 1_000; index++) await assertHit(store, `key:${index}`, index);
    },
  },
];
