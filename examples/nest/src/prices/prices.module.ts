import { Module } from '@nestjs/common';
import { PricesController } from './prices.controller.ts';
import { PricesService } from './prices.service.ts';

@Module({ controllers: [PricesController], providers: [PricesService] })
export class PricesModule {}
