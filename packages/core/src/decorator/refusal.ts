import { OptionError } from '@reprise/store/contract';
import type { Placing } from './placing.ts';

/** The verbs of the write side: what they stand on is run, not remembered. */
const writing: ReadonlySet<string> = new Set(['invalidates', 'updates']);

type Named = Pick<Placing, 'verb' | 'wrapping'>;

const adviceFor: Readonly<Record<string, (verb: string, wrapping: string) => string>> = {
  class: (_verb, wrapping) =>
    `a class cannot be wrapped; decorate its methods, or wrap a function that makes one with ${wrapping}`,
  field: (_verb, wrapping) =>
    `a field cannot be decorated; make it a method, or wrap the function that it holds: = ${wrapping}`,
  accessor: (verb) =>
    verb === 'memoize'
      ? 'an accessor field cannot be decorated; make it a getter or a method'
      : 'an accessor field cannot be decorated; make it a method',
  setter: (verb) => {
    if (writing.has(verb)) return 'a setter cannot be decorated; make it a method';
    return `a setter has no result to remember; decorate ${verb === 'memoize' ? 'the getter' : 'a method'}`;
  },
  getter: (verb) =>
    writing.has(verb)
      ? 'a getter cannot be decorated; make it a method'
      : 'a getter cannot be cached; use @memoize, or make it a method',
  parameter: () => 'a parameter cannot be decorated; decorate the method',
};

/** The error for a decorator in a place where it cannot stand: it names the member and the way out. */
export function refusePlace({ verb, wrapping }: Named, label: string, kind: string): OptionError {
  const advice = adviceFor[kind]?.(verb, wrapping) ?? `a ${kind} cannot be decorated; decorate a method`;
  return new OptionError(`@${verb} on ${label}: ${advice}`);
}
