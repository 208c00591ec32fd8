import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { RolesGuard } from './access.ts';
import { MaxAgeInterceptor } from './max-age.ts';
import { OffersModule } from './offers/offers.module.ts';
import { PricesModule } from './prices/prices.module.ts';
import { ProductsModule } from './products/products.module.ts';
import { UPSTREAM_URL, UpstreamClient } from './upstream.client.ts';

/** The catalogue in front of the upstream at an address. */
@Global()
@Module({ imports: [ProductsModule, OffersModule, PricesModule] })
export class AppModule {
  static forUpstream(url: string): DynamicModule {
    return {
      module: AppModule,
      providers: [
        { provide: UPSTREAM_URL, useValue: url },
        UpstreamClient,
        { provide: APP_GUARD, useClass: RolesGuard },
        { provide: APP_INTERCEPTOR, useClass: MaxAgeInterceptor },
      ],
      exports: [UpstreamClient],
    };
  }
}
