import { Controller, Get, Query } from '@nestjs/common';
import { OffersService } from './offers.service.ts';

@Controller('offers')
export class OffersController {
  constructor(private readonly offers: OffersService) {}

  @Get()
  async list(@Query('ids') ids: string): Promise<string[]> {
    return this.offers.list(ids.split(','));
  }
}
