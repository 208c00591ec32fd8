import { Module } from '@nestjs/common';
import { CatalogCacheModule } from '../catalog-cache/catalog-cache.module.ts';
import { CountriesService } from '../countries.service.ts';
import { ProductsController } from './products.controller.ts';
import { ProductsService } from './products.service.ts';

@Module({
  imports: [CatalogCacheModule],
  controllers: [ProductsController],
  providers: [ProductsService, CountriesService],
  exports: [ProductsService],
})
export class ProductsModule {}
