#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheOf } from '@reprise/core';
import { mapConcurrently } from './concurrency.ts';
import { compareWithFirstRun } from './first-run.ts';
import { licenseOf, normalizeLicense } from './license.ts';
import { type Options, readOptions, UsageError, usage } from './options.ts';
import { type Measurement, PackageReport } from './package-report.ts';
import { findPackages, type InstalledPackage } from './packages.ts';
import { showProgress } from './progress.ts';
import { openCache } from './shared-cache.ts';
import { countSourceLines } from './source-lines.ts';
import { type Column, drawTable, formatBytes, formatCount, formatTime } from './tables.ts';

const repository = join(import.meta.dirname, '../../..');

/** An installed package and what was found out about it. */
interface Row extends Measurement {
  readonly found: InstalledPackage;
  readonly license: string;
}

process.exitCode = await main(process.argv.slice(2));

/** Runs the program. @returns its exit code: 0, 1 when it failed, 2 when it was called wrongly */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args, repository);
    if (options.help) console.log(usage);
    else await report(options);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`package-report: ${error.message}\nTry: package-report --help`);
      return 2;
    }
    console.error('package-report failed:', error);
    return 1;
  }
}

async function report(options: Options): Promise<void> {
  const { directory } = options;
  const cache = openCache(options);
  cache.on('error', ({ name, error }) => console.error(`package-report: cache: ${name}:`, error));
  try {
    if (options.clear) await cache.clear();
    const packages = findPackages(directory);
    if (packages.length === 0) throw new UsageError(`there are no packages in ${directory}`);
    const service = new PackageReport();
    const rows = await measureAll(service, packages);
    await printLargest(rows.toSorted((a, b) => b.bytes - a.bytes).slice(0, options.top));
    const measured = printCalls(service);
    printTotals(rows);
    const run = { directory, took: performance.now(), packages: rows.length, measured };
    console.log(await compareWithFirstRun(cache, run));
  } finally {
    await cache.close();
  }
}

async function measureAll(service: PackageReport, packages: readonly InstalledPackage[]): Promise<Row[]> {
  const progress = showProgress(packages.length, process.stderr);
  try {
    return await mapConcurrently(packages, 2 * availableParallelism(), async (found) => {
      const measurement = await service.measure(found);
      progress.advance();
      return { found, license: licenseOf(found.license), ...measurement };
    });
  } finally {
    progress.stop();
  }
}

async function printLargest(rows: readonly Row[]): Promise<void> {
  const lines = await mapConcurrently(rows, availableParallelism(), ({ found }) => countSourceLines(found));
  const cells = rows.map(({ found, files, bytes, gzipBytes, license, integrity }, index) => [
    `${found.name}@${found.version}`,
    formatCount(files),
    formatBytes(bytes),
    formatBytes(gzipBytes),
    formatCount(lines[index] ?? 0),
    license,
    `${integrity.slice(0, 14)}…`,
  ]);
  const columns: Column[] = [
    ['package'],
    ['files', 'right'],
    ['size', 'right'],
    ['gzip', 'right'],
    ['lines', 'right'],
    ['license'],
    ['integrity'],
  ];
  console.log(`The largest ${rows.length} packages\n${drawTable(columns, cells)}\n`);
}

/** @returns how many packages had to be measured */
function printCalls(service: PackageReport): number {
  const measure = cacheOf(service, 'measure').stats();
  const cells = [
    ['PackageReport.measure', measure] as const,
    ['countSourceLines', countSourceLines.stats()] as const,
    ['normalizeLicense', normalizeLicense.stats()] as const,
  ].map(([name, { hits, misses, coalesced, loads, timeSaved }]) => [
    name,
    hits + misses + coalesced,
    hits,
    coalesced,
    loads,
    formatTime(timeSaved),
  ]);
  const columns: Column[] = [
    ['function'],
    ['calls', 'right'],
    ['hits', 'right'],
    ['joined', 'right'],
    ['loads', 'right'],
    ['time saved', 'right'],
  ];
  console.log(`What was asked, and what was remembered\n${drawTable(columns, cells)}\n`);
  return measure.loads;
}

function printTotals(rows: readonly Row[]): void {
  const sum = (field: 'files' | 'bytes' | 'gzipBytes'): number => rows.reduce((total, row) => total + row[field], 0);
  const licenses = new Map<string, number>();
  for (const { license } of rows) licenses.set(license, (licenses.get(license) ?? 0) + 1);
  const byCount = [...licenses].sort(([, a], [, b]) => b - a);
  console.log(
    `${formatCount(rows.length)} packages: ${formatCount(sum('files'))} files, ` +
      `${formatBytes(sum('bytes'))}, compressed ${formatBytes(sum('gzipBytes'))}\n` +
      `Licenses: ${byCount.map(([license, count]) => `${license} ${count}`).join(', ')}`,
  );
}
