import { Injectable } from '@nestjs/common';
import { cached } from '@reprise/core';
import { CountriesService } from '../countries.service.ts';
import { ProductsService } from '../products/products.service.ts';

/** Another module's service in the same cache: found by its name, without an import of who made it. */
@Injectable()
export class OffersService {
  constructor(
    private readonly products: ProductsService,
    private readonly countries: CountriesService,
  ) {}

  @cached({ cache: 'catalog', ttl: '1m' })
  async list(ids: string[]): Promise<string[]> {
    const [countries, ...products] = await Promise.all([
      this.countries.list(),
      ...ids.map((id) => this.products.find(id)),
    ]);
    return products.map(({ name }) => `${name}, to ${countries.join(' and ')}`);
  }
}
