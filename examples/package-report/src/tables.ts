import Table from 'cli-table3';

/** A column of a table: its heading, and on which side its cells stand. */
export type Column = readonly [heading: string, align?: 'left' | 'right'];

/** Draws a table without colours, so that it reads the same in a terminal, a pipe and a log. */
export function drawTable(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    colAligns: columns.map(([, align]) => align ?? 'left'),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((cells) => [...cells]));
  return table.toString();
}

/** `1234567` as `1.23 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(2)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`;
}

/** `5600` milliseconds as `5.6 s`, `84` as `84 ms`. */
export function formatTime(milliseconds: number): string {
  return milliseconds >= 1_000 ? `${(milliseconds / 1_000).toFixed(1)} s` : `${Math.round(milliseconds)} ms`;
}

/** `12345` as `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
