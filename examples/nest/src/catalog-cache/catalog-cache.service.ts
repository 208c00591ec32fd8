import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Cache, createCache } from '@reprise/core';

/**
 * Makes the cache that the modules share by its name, and closes it with the application. Whoever only decorates with
 * `cache: 'catalog'` need not inject it.
 */
@Injectable()
export class CatalogCache implements OnModuleDestroy {
  readonly cache: Cache = createCache({ name: 'catalog', ttl: '10m', maxSize: 5_000 });

  async onModuleDestroy(): Promise<void> {
    await this.cache.close();
  }
}
