import { OptionError } from '../contract.ts';

/** How large the values of a codec may be. */
export interface CodecLimits {
  /** How deep arrays, objects, maps, … may nest. Default: 500. */
  readonly maxDepth?: number;
  /** How many bytes an encoded value may have. Default: 64 MiB. */
  readonly maxBytes?: number;
}

/** 64 MiB. */
export const defaultMaxBytes = 67_108_864;
const defaults = { maxDepth: 500, maxBytes: defaultMaxBytes };

/** The limits among the options of `caller`, which has no others than these and `further`. */
export function checkLimits(
  caller: string,
  options: CodecLimits,
  further: readonly string[] = [],
): Required<CodecLimits> {
  checkNames(caller, options, [...Object.keys(defaults), ...further]);
  const { maxDepth = defaults.maxDepth, maxBytes = defaults.maxBytes } = options;
  checkWhole(caller, 'maxDepth', maxDepth);
  checkWhole(caller, 'maxBytes', maxBytes);
  return { maxDepth, maxBytes };
}

/** @throws OptionError when there are no options, or one of another name; values are not shown, they may be secret */
export function checkNames(caller: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(`${caller} takes an object with ${names.join(', ')}, not ${typeof options}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new OptionError(`${caller} has no option '${unknown}'; it takes ${names.join(', ')}`);
}

/** @throws OptionError when an option is no whole number above 0 */
export function checkWhole(caller: string, name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return;
  throw new OptionError(`${caller}: ${name} must be a whole number above 0, not ${String(value)}`);
}
