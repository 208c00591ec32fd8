import { plainKindOf } from './isolate/plain-kind.ts';

const descriptorOf = Object.getOwnPropertyDescriptor;

/**
 * A call's arguments as they count for its key, where the caller's signal does not: `('1', signal)` as `('1')`,
 * `('1', { signal })` as `('1', {})`, `('1', signal, 2)` as `('1', undefined, 2)`. The same array if the signal is not there.
 *
 * It is looked for among the arguments and among the own properties of those that are plain objects, no deeper. Nothing
 * is changed, and no accessor or proxy is asked: behind these the signal is not found.
 */
export function withoutSignal(args: readonly unknown[], signal: AbortSignal): readonly unknown[] {
  const kept = replaceSignal(args, signal, undefined);
  if (kept === args) return args;
  let { length } = args;
  while (length > 0 && args[length - 1] === signal) length--;
  return kept.slice(0, length);
}

/**
 * A call's arguments with another signal in place of the caller's, wherever {@link withoutSignal} finds that: as many
 * arguments, and copies of those objects only that hold it. The same array if it is not there.
 */
export function withSignal(args: readonly unknown[], signal: AbortSignal, other: AbortSignal): readonly unknown[] {
  return replaceSignal(args, signal, other);
}

/** `undefined` takes its place among the arguments, and in an object its property goes. */
function replaceSignal(
  args: readonly unknown[],
  signal: AbortSignal,
  other: AbortSignal | undefined,
): readonly unknown[] {
  let replaced: unknown[] | undefined;
  for (let index = 0; index < args.length; index++) {
    const value = args[index];
    const instead = value === signal ? other : replaceInObject(value, signal, other);
    if (instead === value) continue;
    replaced ??= args.slice();
    // An object that is passed twice stays one.
    const first = args.indexOf(value);
    replaced[index] = first < index ? replaced[first] : instead;
  }
  return replaced ?? args;
}

function replaceInObject(value: unknown, signal: AbortSignal, other: AbortSignal | undefined): unknown {
  if (typeof value !== 'object' || value === null || plainKindOf(value) !== 'Object') return value;
  const keys = Reflect.ownKeys(value);
  if (!keys.some((key) => descriptorOf(value, key)?.value === signal)) return value;
  const copy = Object.create(Object.getPrototypeOf(value)) as object;
  for (const key of keys) {
    const property = descriptorOf(value, key) as PropertyDescriptor;
    if (property.value !== signal) Object.defineProperty(copy, key, property);
    else if (other !== undefined) Object.defineProperty(copy, key, { ...property, value: other });
  }
  if (!Object.isExtensible(value)) Object.preventExtensions(copy);
  return copy;
}
