import { memoryEpoch } from '@reprise/store';
import { readNow } from './coarse-clock.ts';
import type { MemoizeMemory } from './memoize-memory.ts';
import { settledValues } from './memoize-leaf.ts';
import { statsOf } from './stats.ts';
import type { AnyFunction, Inspection, MemoizeHandle } from './types.ts';
