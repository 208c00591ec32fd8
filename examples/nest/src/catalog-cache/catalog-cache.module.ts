import { Module } from '@nestjs/common';
import { CatalogCacheController } from './catalog-cache.controller.ts';
import { CatalogCache } from './catalog-cache.service.ts';

/** Imported by each module whose services name the cache, so that it is there before them and closed after them. */
@Module({ controllers: [CatalogCacheController], providers: [CatalogCache] })
export class CatalogCacheModule {}
