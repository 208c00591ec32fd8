import { Injectable } from '@nestjs/common';
import { cached, cacheOf, memoize } from '@reprise/core';

export interface User {
  readonly id: string;
  readonly reads: number;
}

/** What an application would write. Counts how often it really ran. */
@Injectable()
export class UsersService {
  reads = 0;

  @cached({ ttl: '10m' })
  async find(id: string): Promise<User> {
    await Promise.resolve();
    return { id, reads: ++this.reads };
  }

  @memoize()
  get limits(): Map<string, number> {
    return new Map([['reads', ++this.reads]]);
  }

  async rename(id: string): Promise<void> {
    await cacheOf(this, 'find').invalidate(id);
  }
}
