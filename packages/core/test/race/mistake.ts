import type { HomeKind, Theme } from './schedule.ts';
import type { Stage } from './stage.ts';

/** A mistake that somebody could make in the engine, and what must catch it. */
export interface Mistake {
  readonly name: string;
  /** The law that it breaks; perhaps not the only one. */
  readonly law: string;
  readonly homes: readonly HomeKind[];
  /** What schedules are about in which it shows. */
  readonly theme?: Theme;
  /** Makes it; what it returns takes it back. */
  readonly make: () => () => void;
  readonly prepare?: (stage: Stage) => void;
}

type Methods<Class> = {
  [Name in keyof Class]: Class[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Class];

/** Puts another method in the place of one. @returns what takes it back */
export function replace<Class extends object, Name extends Methods<Class>>(
  target: Class,
  name: Name,
  change: (original: Class[Name]) => Class[Name],
): () => void {
  const original = target[name];
  target[name] = change(original);
  return () => {
    target[name] = original;
  };
}

/** Several at once. */
export function together(...mends: readonly (() => void)[]): () => void {
  return () => {
    for (const mend of mends) mend();
  };
}

export const all: readonly HomeKind[] = ['private', 'memory', 'text', 'async', 'timed'];
export const inMemory: readonly HomeKind[] = ['private', 'memory'];
export const asText: readonly HomeKind[] = ['text', 'async'];
