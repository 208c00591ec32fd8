import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { cached, cacheOf, memoize } from '@reprise/core';
import { Watch } from '../src/collected.ts';
import { PricesModule } from '../src/prices/prices.module.ts';
import { PricesService } from '../src/prices/prices.service.ts';
import { type RunningApp, startApp } from './running-app.legacy.ts';

let running: RunningApp;
afterEach(() => running.close());

const sendAs = async (tenant: string, path = '/prices/lamp'): Promise<unknown> =>
  (await running.send(path, { headers: { 'x-tenant': tenant } })).json();

describe('a provider that Nest makes for each request', () => {
  it('has entries of the tenant with `per`, and no request or instance stays for them', async () => {
    const services = new Watch();
    const requests = new Watch();
    @Injectable({ scope: Scope.REQUEST })
    class WatchedPrices extends PricesService {
      readonly watched = services.add(this);
    }
    running = await startApp({
      modules: (builder) => builder.overrideProvider(PricesService).useClass(WatchedPrices),
      app: (app) =>
        app.use((request: object, _response: object, next: () => void) => {
          requests.add(request);
          next();
        }),
    });

    for (let round = 0; round < 10; round++) {
      expect(await Promise.all([sendAs('acme'), sendAs('globex')])).toEqual([
        { tenant: 'acme', product: 'lamp', cents: 800 },
        { tenant: 'globex', product: 'lamp', cents: 1_000 },
      ]);
    }
    expect(services.seen).toBe(20);
    expect(running.upstream.countRequests('/prices/acme')).toBe(1);
    expect(running.upstream.countRequests('/prices/globex')).toBe(1);

    expect(await services.countAlive()).toBe(0);
    expect(await requests.countAlive()).toBe(0);
    expect(await sendAs('acme')).toMatchObject({ tenant: 'acme' });
    expect(running.upstream.countRequests('/prices')).toBe(2);
  });

  it('has entries of its own without `per`, which are gone with it', async () => {
    const services = new Watch();
    let loads = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Greetings {
      constructor(@Inject(REQUEST) readonly request: { headers: Record<string, string> }) {
        services.add(this);
      }
      @memoize()
      get tenant(): string {
        loads++;
        return this.request.headers['x-tenant'] ?? '';
      }
      @cached()
      async greet(): Promise<string> {
        return `Good morning, ${this.tenant} and ${this.tenant}`;
      }
    }
    @Controller('greetings')
    class GreetingsController {
      constructor(private readonly greetings: Greetings) {}
      @Get()
      async greet(): Promise<{ texts: string[] }> {
        return { texts: await Promise.all([this.greetings.greet(), this.greetings.greet()]) };
      }
    }
    running = await startApp({
      modules: (builder) =>
        builder.overrideModule(PricesModule).useModule({
          module: class GreetingsModule {},
          controllers: [GreetingsController],
          providers: [Greetings],
        }),
    });

    const text = 'Good morning, acme and acme';
    for (let n = 0; n < 5; n++) expect(await sendAs('acme', '/greetings')).toEqual({ texts: [text, text] });
    expect(loads).toBe(5);
    expect(cacheOf(Greetings, 'greet').stats()).toMatchObject({ loads: 5, coalesced: 5 });

    expect(await services.countAlive()).toBe(0);
    // Their entries leave when the engine is told of it, which takes turns of its own.
    for (let turn = 0; turn < 50 && cacheOf(Greetings, 'greet').stats().size > 0; turn++) await setImmediate();
    expect(cacheOf(Greetings, 'greet').stats().size).toBe(0);
  });
});
