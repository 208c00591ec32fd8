import type { Store } from '@reprise/store/contract';

/** What the far tier alone can answer. */
const names = ['entries', 'size', 'prune', 'touch', 'generation', 'isCurrent', 'lease', 'renew', 'release'] as const;

type Name = (typeof names)[number];

/** The operations that the far tier has of these, as they are. */
export function handedOn<Far extends Store>(far: Far): Pick<Far, Extract<keyof Far, Name>> {
  const operations: Record<string, unknown> = {};
  for (const name of names) {
    const operation = far[name] as ((...given: unknown[]) => unknown) | undefined;
    if (operation !== undefined) operations[name] = operation.bind(far);
  }
  return operations as Pick<Far, Extract<keyof Far, Name>>;
}
