import type { Store, StoreCapabilities } from '@reprise/store';

/** What a wrapper that does not pass `track` on can say of the store underneath. */
export function untold({ capabilities }: Store): StoreCapabilities | undefined {
  if (capabilities?.tracking === undefined) return capabilities;
  const { tracking: _tracking, ...others } = capabilities;
  return others;
}
