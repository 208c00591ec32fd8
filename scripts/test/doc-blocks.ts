/** Finds the code that the documentation shows, so that docs.test.ts can run it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of TypeScript: a program of its own. */
export interface DocBlock {
  /** Relative to the workspace. */
  readonly file: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** False for what is type-checked only. */
  readonly runs: boolean;
  /** Whether it is a Jest test (```ts jest), and not a program. */
  readonly jest: boolean;
  /** Whether it needs a Redis server (```ts redis), whose address it finds in `REDIS_URL`. */
  readonly redis: boolean;
  /** Whether its first line is `// legacy`: compiled with `experimentalDecorators`. */
  readonly legacy: boolean;
}

/** A block of shell lines. */
export interface ShellBlock {
  readonly file: string;
  readonly line: number;
  readonly lines: readonly string[];
}

const fence = /^([ \t]*)```(\w+)([^\n]*)\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;

/** Ends a bare example. Named one by one, since a line of the example may begin with a decorator. */
const tag =
  /^\s*@(default|defaultValue|deprecated|example|internal|param|public|readonly|remarks|returns?|see|since|template|throws|typeParam)\b/;

function makeBlock(file: string, line: number, code: string, info: string): DocBlock {
  return {
    file,
    line,
    code,
    runs: !/\bno-run\b/.test(info),
    jest: /\bjest\b/.test(info),
    redis: /\bredis\b/.test(info),
    legacy: /^\s*\/\/ legacy\b/.test(code),
  };
}

const countLines = (text: string): number => text.split('\n').length;

/** The files of the documentation and of the sources that doc comments stand in. */
function listFiles(root: string, folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith(ending) && !file.includes('/node_modules/'))
    .sort();
}

function listPages(root: string): string[] {
  const packages = existsSync(join(root, 'packages')) ? readdirSync(join(root, 'packages')) : [];
  return [
    'README.md',
    ...packages.map((name) => `packages/${name}/README.md`),
    ...listFiles(root, 'docs', '.md'),
  ].filter((file) => existsSync(join(root, file)));
}

function findFences(file: string, text: string, languages: RegExp): DocBlock[] {
  return [...text.matchAll(fence)]
    .filter(([, , language = '']) => languages.test(language))
    .map(({ 1: indent = '', 3: info = '', 4: code = '', index }) =>
      makeBlock(file, countLines(text.slice(0, index)) + 1, code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), info),
    );
}

/** The `@example` parts of the doc comments of a source file: fenced, or bare up to the next tag. */
function findExamples(file: string, text: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  for (const comment of text.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)) {
    const start = countLines(text.slice(0, comment.index));
    const lines = comment[0]
      .replace(/\*\/$/, '')
      .split('\n')
      .map((line, index) => (index === 0 ? line.replace(/^\s*\/\*\* ?/, '') : line.replace(/^\s*\* ?/, '')));
    for (let at = 0; at < lines.length; at++) {
      if (!/^\s*@example\b/.test(lines[at] ?? '')) continue;
      const body: string[] = [];
      let fenced = false;
      while (at + 1 < lines.length && (fenced || !tag.test(lines[at + 1] ?? ''))) {
        at++;
        if (/^\s*```/.test(lines[at] ?? '')) fenced = !fenced;
        body.push(lines[at] ?? '');
      }
      const example = body.join('\n').replaceAll('*\\/', '*/');
      const first = start + at - body.length + 1;
      const fences = findFences(file, `${example}\n`, /^(ts|typescript)$/);
      if (fences.length > 0) blocks.push(...fences.map((block) => ({ ...block, line: first + block.line - 1 })));
      else if (!example.includes('```') && example.trim() !== '') blocks.push(makeBlock(file, first, example, ''));
    }
  }
  return blocks;
}

/** Every block of TypeScript in the documentation. */
export function findDocBlocks(root: string): DocBlock[] {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');
  const pages = listPages(root).flatMap((file) => findFences(file, read(file), /^(ts|typescript)$/));
  const sources = listFiles(root, 'packages', '.ts').filter((file) => /^packages\/[^/]+\/src\//.test(file));
  return [...pages, ...sources.flatMap((file) => findExamples(file, read(file)))];
}

/** Every block of shell lines in the documentation. */
export function findShellBlocks(root: string): ShellBlock[] {
  return listPages(root).flatMap((file) =>
    findFences(file, readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n'), /^(sh|bash|shell)$/).map(
      ({ line, code }) => ({ file, line, lines: code.split('\n').filter((text) => text.trim() !== '') }),
    ),
  );
}
