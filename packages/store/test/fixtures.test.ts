import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { cases, type Fixture, Point } from './fixtures/cases.ts';

const folder = join(import.meta.dirname, 'fixtures');

/** Two invalid dates are not equal to `isDeepStrictEqual` of Node 20; the texts of the values tell more than enough. */
function isSame(one: unknown, other: unknown): boolean {
  const text = (value: unknown): string => inspect(value, { depth: Infinity, maxArrayLength: null, showHidden: true });
  return isDeepStrictEqual(one, other) || text(one) === text(other);
}

describe('bytes that a release wrote', () => {
  it.each(cases.map((fixture) => [fixture.file, fixture] as const))('are read: %s', async (file, fixture) => {
    const bytes = await readFile(join(folder, file));
    expect(isSame(fixture.read(bytes), fixture.value)).toBe(true);
  });

  it.each(cases.filter(({ repeatable }) => repeatable).map((fixture) => [fixture.file, fixture] as const))(
    'are written so today: %s',
    async (file, fixture) => {
      expect(Buffer.from(fixture.make()).equals(await readFile(join(folder, file)))).toBe(true);
    },
  );

  it('have instances of their classes in them', async () => {
    const [fixture] = cases.filter(({ file }) => file === 'codec-class-v1.bin') as [Fixture];
    const { points } = fixture.read(await readFile(join(folder, fixture.file))) as { points: Point[] };
    expect(points.map((point) => point instanceof Point)).toEqual([true, true, true]);
    expect(points[0]).toBe(points[2]);
  });

  it('are all read by some test', async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.bin') && !name.startsWith('envelope-v1'));
    expect(files.toSorted()).toEqual(cases.map(({ file }) => file).toSorted());
  });
});
