import { cached, cacheOf } from '@reprise/core';
import type { Product } from './upstream.ts';

/** The upstream answered with something else than a product. */
export class UpstreamError extends Error {}

/** The products of an upstream, remembered for ten minutes. */
export class Catalog {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  @cached({ ttl: '10m' })
  async find(id: string): Promise<Product> {
    return readProduct(this.#url, id);
  }

  /** Once this has resolved, nobody is answered with what the product was before. */
  async save(product: Product): Promise<void> {
    await writeProduct(this.#url, product);
    await cacheOf(this, 'find').invalidate(product.id);
  }
}

/** The same with a `Map`, as it is often written: look it up, else read and keep it; a saved product is deleted. */
export class NaiveCatalog {
  readonly #url: string;
  readonly #products = new Map<string, Product>();

  constructor(url: string) {
    this.#url = url;
  }

  async find(id: string): Promise<Product> {
    const known = this.#products.get(id);
    if (known) return known;
    const product = await readProduct(this.#url, id);
    // Nobody knows here that the product was saved while the read was under way.
    this.#products.set(id, product);
    return product;
  }

  async save(product: Product): Promise<void> {
    await writeProduct(this.#url, product);
    this.#products.delete(product.id);
  }
}

async function readProduct(url: string, id: string): Promise<Product> {
  const response = await fetch(`${url}/products/${id}`);
  if (!response.ok) throw new UpstreamError(`the upstream answered ${response.status} for product ${id}`);
  return (await response.json()) as Product;
}

async function writeProduct(url: string, product: Product): Promise<void> {
  const response = await fetch(`${url}/products/${product.id}`, { method: 'PUT', body: JSON.stringify(product) });
  if (!response.ok) throw new UpstreamError(`the upstream answered ${response.status} to a write`);
}
