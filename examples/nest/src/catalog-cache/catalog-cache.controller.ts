import { Controller, Delete, Get, HttpCode } from '@nestjs/common';
import type { Stats } from '@reprise/core';
import { Roles } from '../access.ts';
import { CatalogCache } from './catalog-cache.service.ts';

/** What staff can see of the cache, and do to it. */
@Controller('cache')
@Roles('staff')
export class CatalogCacheController {
  constructor(private readonly catalog: CatalogCache) {}

  @Get()
  read(): Stats {
    return this.catalog.cache.stats();
  }

  @Delete()
  @HttpCode(204)
  async clear(): Promise<void> {
    await this.catalog.cache.clear();
  }
}
