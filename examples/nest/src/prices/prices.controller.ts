import { Controller, Get, Param } from '@nestjs/common';
import { type Price, PricesService } from './prices.service.ts';

/** Made for each request, too, since what it injects is. */
@Controller('prices')
export class PricesController {
  constructor(private readonly prices: PricesService) {}

  @Get(':product')
  async find(@Param('product') product: string): Promise<Price> {
    return this.prices.find(product);
  }
}
