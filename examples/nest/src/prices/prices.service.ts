import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { cached } from '@reprise/core';
import { UpstreamClient } from '../upstream.client.ts';

export interface Price {
  readonly tenant: string;
  readonly product: string;
  readonly cents: number;
}

/** What this service reads of a request. */
interface TenantRequest {
  readonly headers: IncomingHttpHeaders;
}

/**
 * Made for each request. Without `per` each of them would have entries of its own, which nobody asks for again; with it
 * all requests of a tenant share theirs, and no request is kept for them: an entry has the tenant's name, not the object.
 */
@Injectable({ scope: Scope.REQUEST })
export class PricesService {
  readonly tenant: string;

  constructor(
    @Inject(REQUEST) request: TenantRequest,
    private readonly upstream: UpstreamClient,
  ) {
    const tenant = request.headers['x-tenant'];
    if (typeof tenant !== 'string' || tenant === '') throw new BadRequestException('Say which tenant: x-tenant.');
    this.tenant = tenant;
  }

  @cached({ ttl: '5m', maxSize: 10_000, per: (self) => self.tenant })
  async find(product: string): Promise<Price> {
    return this.upstream.read(`/prices/${this.tenant}/${product}`);
  }
}
