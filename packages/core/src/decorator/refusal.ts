import { OptionError } from '@reprise/store/contract';

const adviceFor: Readonly<Record<string, (verb: string) => string>> = {
  class: (verb) =>
    `a class cannot be wrapped; decorate its methods, or wrap a function that makes one with ${verb}(fn)`,
  field: (verb) => `a field cannot be decorated; make it a method, or wrap the function that it holds: = ${verb}(fn)`,
  accessor: (verb) =>
    verb === 'memoize'
      ? 'an accessor field cannot be decorated; make it a getter or a method'
      : 'an accessor field cannot be decorated; make it a method',
  setter: (verb) =>
    verb === 'memoize'
      ? 'a setter has no result to remember; decorate the getter'
      : 'a setter has no result to remember; decorate a method',
  getter: () => 'a getter cannot be cached; use @memoize, or make it a method',
  parameter: () => 'a parameter cannot be decorated; decorate the method',
};

/** The error for a decorator in a place where it cannot stand: it names the member and the way out. */
export function refusePlace(verb: string, label: string, kind: string): OptionError {
  const advice = adviceFor[kind]?.(verb) ?? `a ${kind} cannot be decorated; decorate a method`;
  return new OptionError(`@${verb} on ${label}: ${advice}`);
}
