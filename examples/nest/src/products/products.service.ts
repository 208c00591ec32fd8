import { Injectable } from '@nestjs/common';
import { cached, cacheTag, invalidates, memoize } from '@reprise/core';
import { UpstreamClient } from '../upstream.client.ts';
import type { Product } from '../upstream.ts';

@Injectable()
export class ProductsService {
  constructor(private readonly upstream: UpstreamClient) {}

  /** Made once, when it is first asked for. */
  @memoize()
  get grams(): Intl.NumberFormat {
    return new Intl.NumberFormat('en', { style: 'unit', unit: 'gram' });
  }

  @cached({ cache: 'catalog' })
  async find(id: string): Promise<Product> {
    // Before the read: so it is known of one under way that an update concerns it, and later calls do not wait for it.
    cacheTag(`product:${id}`);
    return this.upstream.read(`/products/${id}`);
  }

  /** Once this has resolved, nobody is answered with what the product was before, nor with what was made of that. */
  @invalidates({ tags: (_result, product) => [`product:${product.id}`] })
  async save(product: Product): Promise<void> {
    await this.upstream.write(`/products/${product.id}`, product);
  }
}
