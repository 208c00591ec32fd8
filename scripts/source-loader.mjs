// Lets Node 20 run TypeScript as it is written here, decorators included: `node --import ./scripts/source-loader.mjs
// file.ts`, and with `-C @reprise/source` the packages' sources instead of their dist. Files with `.legacy.` in their
// name or `// legacy` as their first line get the older decorators, and so do those of an example whose tsconfig.json
// asks for them. Nothing is type-checked. What was translated once is kept in node_modules/.cache by its content.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const root = join(import.meta.dirname, '..');
const legacyFolders = new Map();
const cache = join(root, 'node_modules/.cache/reprise/source-loader');

// Node runs this module once in the program's thread, where it registers itself, and once in the hooks' own.
if (isMainThread && !globalThis.repriseSourceLoader) {
  globalThis.repriseSourceLoader = true;
  register(import.meta.url);
}

/** A hook of `node:module`: translates `.ts` files, leaves the rest to Node. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/')) return nextLoad(url, context);
  const file = fileURLToPath(url);
  return { format: 'module', source: await translate(file, readFileSync(file, 'utf8')), shortCircuit: true };
}

/** Whether the nearest tsconfig.json above `folder` asks for the older decorators. */
function isOfLegacyProject(folder) {
  if (!legacyFolders.has(folder)) {
    const config = join(folder, 'tsconfig.json');
    const isLegacy = existsSync(config)
      ? /"experimentalDecorators":\s*true/.test(readFileSync(config, 'utf8'))
      : folder !== root && folder !== dirname(folder) && isOfLegacyProject(dirname(folder));
    legacyFolders.set(folder, isLegacy);
  }
  return legacyFolders.get(folder);
}

async function translate(file, text) {
  const legacy = file.includes('.legacy.') || text.startsWith('// legacy') || isOfLegacyProject(dirname(file));
  const id = createHash('sha256').update(`1\0${legacy}\0${file}\0${text}`).digest('hex');
  const kept = join(cache, `${id}.js`);
  try {
    return readFileSync(kept, 'utf8');
  } catch {}
  const { default: ts } = await import('typescript');
  const { outputText } = ts.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      experimentalDecorators: legacy,
      emitDecoratorMetadata: legacy,
      inlineSourceMap: true,
      inlineSources: true,
    },
  });
  mkdirSync(cache, { recursive: true });
  const unfinished = `${kept}.${process.pid}`;
  writeFileSync(unfinished, outputText);
  renameSync(unfinished, kept);
  return outputText;
}
