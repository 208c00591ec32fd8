import { Module } from '@nestjs/common';
import { CatalogCacheModule } from '../catalog-cache/catalog-cache.module.ts';
import { CountriesService } from '../countries.service.ts';
import { ProductsModule } from '../products/products.module.ts';
import { OffersController } from './offers.controller.ts';
import { OffersService } from './offers.service.ts';

@Module({
  imports: [CatalogCacheModule, ProductsModule],
  controllers: [OffersController],
  providers: [OffersService, CountriesService],
})
export class OffersModule {}
