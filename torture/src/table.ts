import type { Result } from './torture.ts';

/** What was done and what was found, a line for each part on each store. */
export function formatTable(results: readonly Result[]): string {
  return results
    .map(({ kind, part, counts, found, remains, skipped }) => {
      if (skipped !== undefined) return `${kind} ${part}: NOT DONE HERE: ${skipped}`;
      const done = [...counts]
        .filter(([what]) => what !== 'found' && !what.startsWith('report: '))
        .map(([what, count]) => `${count} ${what}`);
      const reported = [...counts].filter(([what]) => what.startsWith('report: '));
      const left = remains && `left: ${remains.entries} entries, ${remains.files} files, ${remains.bytes} bytes`;
      const told = reported.length > 0 && `${reported.reduce((sum, [, count]) => sum + count, 0)} reports of the store`;
      return [`${kind} ${part}`, ...done, told, left, `FOUND: ${found.length}`].filter(Boolean).join('\n  ');
    })
    .join('\n');
}
