import type { Member } from './member.ts';
import type { AnyFunction } from './types.ts';

/*
 * Where a spy or another decorator stands over a wrapper, the prototype chain does not lead to it. Then it is found by what it
 * knows of itself: its name and its class.
 */
const members = new Map<PropertyKey, Set<WeakRef<AnyFunction>>>();
const known = new WeakMap<AnyFunction, Member>();

/** Notes a wrapped member, so that {@link findCovered} finds it. Keeps no class alive. */
export function rememberMember(wrapper: AnyFunction, member: Member): void {
  const wrappers = members.get(member.name) ?? new Set();
  for (const ref of wrappers) if (ref.deref() === undefined) wrappers.delete(ref);
  members.set(member.name, wrappers.add(new WeakRef(wrapper)));
  known.set(wrapper, member);
}

/** The wrapper of a class's own member, whatever stands over it. */
export function findCovered(owner: unknown, name: PropertyKey, isStatic: boolean): AnyFunction | undefined {
  for (const ref of members.get(name) ?? []) {
    const wrapper = ref.deref();
    const member = wrapper && known.get(wrapper);
    if (member !== undefined && member.isStatic === isStatic && member.owner() === owner) return wrapper;
  }
  return undefined;
}
