// Compares the public declarations of every package with the copy in etc/api/, which is reviewed like code: what
// index.d.ts exports, by name and without comments, then what these declarations name but do not export, then the same
// of the further entries, where what stands above already is only named. Reads dist; --update rewrites the copies
// (npm run api).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listEntries, packages, root } from './workspace.mjs';

const folder = join(root, 'etc/api');
const printer = ts.createPrinter({ removeComments: true });

/** The declarations of one package as text. */
function describePackage(name) {
  const dist = join(root, 'packages', name, 'dist');
  const entries = listEntries(name).map(({ subpath, types }) => ({
    subpath,
    file: join(root, 'packages', name, types),
  }));
  const missing = entries.find(({ file }) => !existsSync(file));
  if (missing) throw new Error(`packages/${name} is not built: npm run build`);
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      types: ['node'],
      noEmit: true,
    },
  );
  const checker = program.getTypeChecker();
  const resolve = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const isOurs = (node) => node.getSourceFile().fileName.startsWith(`${dist.replaceAll('\\', '/')}/`);
  const isTopLevel = (node) => ts.isSourceFile(node.parent) || ts.isVariableStatement(node.parent?.parent ?? node);
  const seen = new Set();
  const told = new Set();
  const named = [];

  const describeSymbol = (symbol, label) => {
    if (told.has(symbol)) return `${label}: see above\n`;
    seen.add(symbol);
    told.add(symbol);
    const lines = [];
    for (const declaration of symbol.declarations ?? []) {
      if (!isOurs(declaration)) {
        lines.push(
          `re-exported from ${declaration.getSourceFile().fileName.replace(/^.*\/(packages|node_modules)\//, '')}`,
        );
        continue;
      }
      const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
      lines.push(text.replace(/^export (declare )?/, '').replace(/^declare /, ''));
      const visit = (child) => {
        if (ts.isIdentifier(child)) {
          const found = checker.getSymbolAtLocation(child);
          const target = found && resolve(found);
          if (target && !seen.has(target) && target.declarations?.some((one) => isOurs(one) && isTopLevel(one))) {
            named.push(target);
          }
        }
        ts.forEachChild(child, visit);
      };
      visit(node);
    }
    return `${label}\n${lines.join('\n').replace(/^/gm, '  ')}\n`;
  };

  const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const describeEntry = ({ subpath, file }) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const exported = module ? checker.getExportsOfModule(module).sort(byName) : [];
    for (const symbol of exported) seen.add(resolve(symbol));
    const text = exported.map((symbol) => describeSymbol(resolve(symbol), symbol.name));
    const inner = [];
    while (named.length > 0) {
      const symbol = named.shift();
      if (!seen.has(symbol)) inner.push({ name: symbol.name, text: describeSymbol(symbol, symbol.name) });
    }
    if (inner.length > 0) {
      text.push('--- named above, not exported ---\n', ...inner.sort(byName).map((one) => one.text));
    }
    return subpath === '.' ? text : [`--- ${subpath} ---\n`, ...text];
  };
  return entries.flatMap(describeEntry).join('\n');
}

const isUpdate = process.argv.includes('--update');
mkdirSync(folder, { recursive: true });
let changed = 0;
for (const name of packages) {
  const file = join(folder, `${name}.txt`);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const now = describePackage(name);
  if (before === now) continue;
  changed++;
  if (isUpdate) {
    writeFileSync(file, now);
    console.log(`etc/api/${name}.txt: written`);
  } else {
    const [old, fresh] = [before, now].map((text) => text.split('\n'));
    console.error(`etc/api/${name}.txt is out of date:`);
    for (const line of old) if (!fresh.includes(line)) console.error(`- ${line}`);
    for (const line of fresh) if (!old.includes(line)) console.error(`+ ${line}`);
  }
}
for (const file of readdirSync(folder)) {
  if (packages.includes(file.replace(/\.txt$/, ''))) continue;
  changed++;
  if (isUpdate) rmSync(join(folder, file));
  else console.error(`etc/api/${file}: there is no such package.`);
}
if (changed > 0 && !isUpdate) {
  console.error('Review the change of the public API, then run npm run api.');
  process.exitCode = 1;
}
