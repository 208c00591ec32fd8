import type { Entry } from '@reprise/store/contract';
import { areVoided, epochOf } from './tags.ts';

/** How far one store knows of the labels that were invalidated in this process. */
export class TagNews {
  /** It has been told of all invalidations up to this epoch: an entry of another process that it still holds is judged from there. */
  told = 0;

  /** Whether what a store holds is void for one of its labels. */
  isVoid(entry: Entry | undefined): boolean {
    const tags = entry?.tags;
    return Array.isArray(tags) && tags.length > 0 && areVoided(tags, epochOf(entry?.generation, this.told));
  }
}
