import { Body, Controller, Get, Header, HttpCode, Param, Put } from '@nestjs/common';
import { cached } from '@reprise/core';
import { Roles } from '../access.ts';
import { CountriesService } from '../countries.service.ts';
import { MaxAge } from '../max-age.ts';
import type { Product } from '../upstream.ts';
import { ProductsService } from './products.service.ts';

@Controller('products')
export class ProductsController {
  constructor(
    private readonly products: ProductsService,
    private readonly countries: CountriesService,
  ) {}

  @Get(':id')
  async find(@Param('id') id: string): Promise<Product> {
    return this.products.find(id);
  }

  @Put(':id')
  @HttpCode(204)
  @Roles('staff')
  async save(@Param('id') id: string, @Body() body: Omit<Product, 'id'>): Promise<void> {
    await this.products.save({ ...body, id });
  }

  /** What Nest reads from a handler may stand above `@cached` … */
  @Get(':id/sheet')
  @Roles('customer', 'staff')
  @MaxAge(60)
  @cached({ ttl: '1m' })
  async sheet(@Param('id') id: string): Promise<{ product: Product; shipsTo: string[] }> {
    const [product, shipsTo] = await Promise.all([this.products.find(id), this.countries.list()]);
    return { product, shipsTo };
  }

  /** … and below it. */
  @cached({ ttl: '1m' })
  @MaxAge(30)
  @Roles('staff')
  @Header('content-type', 'text/plain')
  @Get(':id/label')
  async label(@Param('id') id: string): Promise<string> {
    const { name, weight } = await this.products.find(id);
    return `${name}, ${this.products.grams.format(weight)}`;
  }
}
