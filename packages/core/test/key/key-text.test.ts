import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundKey, encodeName, keyText, maxKeyBytes, namespacePrefix } from '../../src/key/key-text.ts';

const seed = process.env['REPRISE_SEED'];

/** fast-check prints the seed of a failure; REPRISE_SEED=… runs it again. */
function runs(numRuns: number): fc.Parameters<unknown> {
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

const name = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc
    .array(fc.constantFrom('%', '2', '5', '/', '<', '>', '(', ')', '@', '#', '"', '~', 'u', 'é', '\ud800', '\n', 'a'), {
      maxLength: 5,
    })
    .map((all) => all.join('')),
  fc
    .tuple(fc.constantFrom('a', 'é', '💧', '/'), fc.integer({ min: 10, max: 120 }))
    .map(([unit, times]) => unit.repeat(times)),
);

describe('a name in a key', () => {
  it('keeps what is readable and encodes what has a meaning', () => {
    expect(encodeName('Users.find')).toBe('Users.find');
    expect(encodeName('größe [a, b]')).toBe('größe [a, b]');
    expect(encodeName('%<>()@#/"')).toBe('%25%3C%3E%28%29%40%23%2F%22');
    expect(encodeName('\n\x7f\x85')).toBe('%0A%7F%85');
    expect(encodeName('\ud800')).toBe('%uD800');
    expect(encodeName('💧')).toBe('💧');
    expect(encodeName('')).toBe('');
  });

  it('is cut where it is long, and still differs', () => {
    const long = encodeName(`${'x'.repeat(1_000)}a`);
    expect(long).toMatch(/^x{44}~[\w-]{43}$/);
    expect(long).not.toBe(encodeName(`${'x'.repeat(1_000)}b`));
    expect(encodeName(long)).not.toBe(long);
    expect(Buffer.byteLength(encodeName('é'.repeat(1_000)))).toBeLessThanOrEqual(88);
  });

  it('differs from every other name', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(encodeName(one) === encodeName(other)).toBe(one === other);
        expect(encodeName(one)).not.toMatch(/[<>()@#/"\n]/);
        expect(isWellFormed(encodeName(one))).toBe(true);
      }),
      runs(2_000),
    );
  });
});

describe('the text of a key', () => {
  it('reads like the call', () => {
    expect(keyText({ name: 'Users.find', args: '"42"' })).toBe('Users.find("42")');
    expect(keyText({ name: 'Users.find', version: '2', args: '"42"' })).toBe('Users.find@2("42")');
    expect(keyText({ name: 'Users.plan', part: '"acme"', args: '"gold",{"a":1}' })).toBe(
      'Users.plan<"acme">("gold",{"a":1})',
    );
    expect(keyText({ name: 'Users.find', version: '2', part: 'Users#3', args: '' })).toBe('Users.find@2<Users#3>()');
  });

  it('differs by each of its parts', () => {
    const texts = [
      { name: 'a', args: '' },
      { name: 'a', args: 'undefined' },
      { name: 'a', version: '', args: '' },
      { name: 'a', version: '1', args: '' },
      { name: 'a@1', args: '' },
      { name: 'a', version: '1<2>', args: '' },
      { name: 'a', version: '1', part: '2', args: '' },
      { name: 'a', part: '2', args: '' },
      { name: 'a<2>', args: '' },
      { name: 'a()', args: '' },
    ].map(keyText);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('a stored key', () => {
  const long = `find("${'x'.repeat(1_000)}")`;

  it('begins with its namespace', () => {
    expect(boundKey('catalog', 'find("42")')).toEqual({ key: 'catalog/find("42")', full: undefined });
    expect(boundKey('a/b', 'find()').key).toBe('a%2Fb/find()');
    expect(boundKey('', 'find("/")').key).toBe('find("/")');
  });

  it('of more than 250 bytes is a readable head and the hash of the whole, which is handed out', () => {
    const { key, full } = boundKey('catalog', long);
    expect(full).toBe(`catalog/${long}`);
    expect(key).toHaveLength(maxKeyBytes);
    expect(key).toBe(`${full?.slice(0, 206)}~${createHash('sha256').update(`catalog/${long}`).digest('base64url')}`);
  });

  it('is counted in bytes, and cut between characters', () => {
    const at = (letters: number): ReturnType<typeof boundKey> => boundKey('n', `${'é'.repeat(letters)}`);
    expect(at(124)).toEqual({ key: `n/${'é'.repeat(124)}`, full: undefined });
    expect(at(125).full).toBe(`n/${'é'.repeat(125)}`);
    for (let shift = 0; shift < 4; shift++) {
      const { key } = boundKey('n', 'x'.repeat(shift) + '💧'.repeat(100));
      expect(key).toMatch(/^n\/x*💧+~[\w-]{43}$/u);
      expect(Buffer.byteLength(key)).toBeLessThanOrEqual(maxKeyBytes);
      expect(Buffer.byteLength(key)).toBeGreaterThan(maxKeyBytes - 4);
    }
  });

  it('of 2,048 or 65,536 characters differs by the last one', () => {
    for (const length of [2_048, 65_536]) {
      expect(boundKey('n', `${'x'.repeat(length)}a`).key).not.toBe(boundKey('n', `${'x'.repeat(length)}b`).key);
    }
  });

  it('is never that of a text which looks like another one shortened', () => {
    const { key } = boundKey('catalog', long);
    const lookalike = boundKey('catalog', key.slice('catalog/'.length));
    expect(lookalike.key).not.toBe(key);
    expect(lookalike.full).toBe(key);
  });

  it('shares its beginning with all of its namespace and function, however long the names are', () => {
    const [namespace, functionName] = ['n'.repeat(500), 'f'.repeat(500)];
    const keyOf = (args: string): string =>
      boundKey(namespace, keyText({ name: functionName, version: 'v'.repeat(500), args })).key;
    const prefix = namespacePrefix(namespace);
    expect(keyOf('1').startsWith(prefix)).toBe(true);
    expect(keyOf('"x"'.repeat(500)).startsWith(keyOf('').slice(0, -1))).toBe(true);
    expect(namespacePrefix(`${namespace}n`)).not.toBe(prefix);
  });

  it('differs for any two namespaces and texts, and is never too long', () => {
    const content = fc.oneof(
      name.filter(isWellFormed),
      fc.string({ unit: 'binary', minLength: 60, maxLength: 260 }).filter(isWellFormed),
      fc.constantFrom('a', 'b').map((last) => 'y'.repeat(400) + last),
    );
    const text = fc.tuple(name, content).map(([of, args]) => keyText({ name: of, args }));
    fc.assert(
      fc.property(name, text, name, text, (n1, t1, n2, t2) => {
        const [one, other] = [boundKey(n1, t1), boundKey(n2, t2)];
        expect(one.key === other.key).toBe(n1 === n2 && t1 === t2);
        expect(Buffer.byteLength(one.key)).toBeLessThanOrEqual(maxKeyBytes);
        expect(one.key.startsWith(namespacePrefix(n1))).toBe(true);
        expect(one.full ?? one.key).toBe(namespacePrefix(n1) + t1);
      }),
      runs(2_000),
    );
  });
});
