import { RepriseError } from '@reprise/store/contract';
import { plainKindOf } from './plain-kind.ts';
import { isNested, isPrimitive, listNested } from './plain-shape.ts';
import { describePart, type Part, refusePart, refuseProperty } from './refusal.ts';

const descriptorOf = Object.getOwnPropertyDescriptor;

const wayOut = 'Return plain objects and arrays only, or leave `isolate` out for this function.';
const wayToClone = "Return plain objects and arrays only, or choose isolate: 'clone' for this function.";

/**
 * Freezes a value for good: plain objects and arrays with all that they hold, parts that are frozen already being looked
 * through, too. Nothing is frozen if something in it could still change: a `RepriseError` with the code `E_ISOLATE` says what
 * (an instance of any other class, `Map` and `Date` included, a function, an accessor, a proxy). No code of the value runs.
 */
export function freezeValue(value: unknown): void {
  const parts: Part[] = [];
  const known = new Set<object>();
  meet(value, undefined, parts, known);
  // The list grows meanwhile.
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as Part;
    for (const item of listItems(part)) meet(item, part, parts, known);
  }
  for (const { source } of parts) Object.freeze(source);
}

function meet(value: unknown, parent: Part | undefined, parts: Part[], known: Set<object>): void {
  if (isPrimitive(value)) return;
  const kind = typeof value === 'function' ? '' : plainKindOf(value);
  if (kind !== 'Object' && kind !== 'Array') {
    const reason = `is ${describePart(value)}, which isolate: 'freeze' cannot keep from changing.`;
    throw refusePart(value, parent, `${reason} ${kind === '' ? wayOut : wayToClone}`);
  }
  if (known.has(value)) return;
  known.add(value);
  parts.push({ source: value, parent });
}

function listItems(part: Part): readonly unknown[] {
  const { source, parent } = part;
  try {
    const nested = Array.isArray(source) ? isNested(source) : listNested(source);
    if (nested === false) return [];
    if (nested === true) return source as unknown[];
    const keys = nested ?? Reflect.ownKeys(source);
    return keys.map((key) => readValue(part, key));
  } catch (error) {
    if (error instanceof RepriseError) throw error;
    // A stack that was captured, while Error.prepareStackTrace fails.
    throw refusePart(source, parent, `could not be read. ${wayOut}`, { cause: error });
  }
}

function readValue(part: Part, key: PropertyKey): unknown {
  const property = descriptorOf(part.source, key);
  if (property === undefined || !('value' in property)) {
    throw refuseProperty(part, key, `is an accessor, which can answer anything after isolate: 'freeze'. ${wayOut}`);
  }
  return property.value;
}
