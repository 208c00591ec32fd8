import { Injectable, Scope } from '@nestjs/common';
import { cached } from '@reprise/core';
import { UpstreamClient } from './upstream.client.ts';

/** A transient provider: Nest makes one for each class that asks for it. `per: 'class'` lets them share. */
@Injectable({ scope: Scope.TRANSIENT })
export class CountriesService {
  constructor(private readonly upstream: UpstreamClient) {}

  @cached({ cache: 'catalog', per: 'class', ttl: '1d' })
  async list(): Promise<string[]> {
    return this.upstream.read('/countries');
  }
}
