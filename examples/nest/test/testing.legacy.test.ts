import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { cacheOf } from '@reprise/core';
import { AppModule } from '../src/app.module.ts';
import { OffersService } from '../src/offers/offers.service.ts';
import { ProductsService } from '../src/products/products.service.ts';
import { UpstreamClient } from '../src/upstream.client.ts';
import type { Product } from '../src/upstream.ts';
import { awaitEvents, renameTo, startApp } from './running-app.legacy.ts';

const lamp: Product = { id: 'lamp', name: 'Lamp', weight: 1_200 };

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a spy', () => {
  it('on a service takes the place of the method, cache and all, and gives it back', async () => {
    const { app, upstream, send, close } = await startApp();
    try {
      const products = app.get(ProductsService);
      await send('/products/lamp');
      const spy = jest.spyOn(products, 'find').mockResolvedValue({ ...lamp, name: 'Spied' });
      expect(await (await send('/products/lamp')).json()).toMatchObject({ name: 'Spied' });
      expect(spy.mock.calls).toEqual([['lamp']]);
      spy.mockRestore();
      expect(await (await send('/products/lamp')).json()).toMatchObject({ name: 'Lamp' });
      expect(upstream.countRequests()).toBe(1);
    } finally {
      await close();
    }
  });

  it('on the prototype sees every call, hits too, and leaves what is remembered', async () => {
    const { app, upstream, send, close } = await startApp();
    try {
      const spy = jest.spyOn(ProductsService.prototype, 'find');
      for (let n = 0; n < 3; n++) await send('/products/lamp');
      expect(spy).toHaveBeenCalledTimes(3);
      expect(spy.mock.contexts[0]).toBe(app.get(ProductsService));
      expect(upstream.countRequests()).toBe(1);

      // Invalidates by the name of the method that is spied on.
      expect((await send('/products/lamp', renameTo('Lantern'))).status).toBe(204);
      expect(await (await send('/products/lamp')).json()).toMatchObject({ name: 'Lantern' });
      spy.mockRestore();
      await send('/products/lamp');
      expect(cacheOf(app.get<ProductsService>(ProductsService), 'find').stats().loads).toBe(2);
    } finally {
      await close();
    }
  });
});

it('a spy on a memoized getter takes its place and gives it back', () => {
  const products = new ProductsService(new UpstreamClient('http://nowhere.invalid'));
  const { grams } = products;
  const other = new Intl.NumberFormat('de', { style: 'unit', unit: 'gram' });
  const spy = jest.spyOn(ProductsService.prototype, 'grams', 'get').mockReturnValue(other);
  expect(products.grams).toBe(other);
  spy.mockRestore();
  expect(products.grams).toBe(grams);
});

it('a cached provider can be overridden itself', async () => {
  const { send, upstream, close } = await startApp({
    modules: (builder) => builder.overrideProvider(ProductsService).useValue({ find: async () => lamp }),
  });
  try {
    expect(await (await send('/products/anything')).json()).toEqual(lamp);
    expect(await (await send('/offers?ids=a,b')).json()).toEqual(['Lamp, to Chad and Peru', 'Lamp, to Chad and Peru']);
    expect(upstream.countRequests('/products')).toBe(0);
  } finally {
    await close();
  }
});

describe('in a testing module', () => {
  let module: TestingModule;
  afterEach(() => module.close());

  const compile = (read: (path: string) => Promise<unknown>): Promise<TestingModule> =>
    Test.createTestingModule({ imports: [AppModule.forUpstream('http://nowhere.invalid')] })
      .overrideProvider(UpstreamClient)
      .useValue({ read })
      .compile();

  it('an overridden provider is what cached ones read from', async () => {
    const read = jest.fn(async (_path: string): Promise<unknown> => lamp);
    module = await compile(read);
    const products = module.get(ProductsService);
    const joined = awaitEvents('coalesced', 1);
    expect(await Promise.all([products.find('lamp'), products.find('lamp')])).toEqual([lamp, lamp]);
    await joined;
    expect(await products.find('lamp')).toBe(await products.find('lamp'));
    expect(read.mock.calls).toEqual([['/products/lamp']]);
  });

  it('a module made anew remembers nothing of the one before', async () => {
    for (const name of ['First', 'Second']) {
      module = await compile(async () => ({ ...lamp, name }));
      expect(await module.get(ProductsService).find('lamp')).toMatchObject({ name });
      await module.close();
    }
  });

  it('fake timers drive a ttl', async () => {
    jest.useFakeTimers();
    let reads = 0;
    module = await compile(async (path) => (path === '/countries' ? ['Chad'] : { ...lamp, name: `Lamp ${++reads}` }));
    const [offers, products] = [module.get(OffersService), module.get(ProductsService)];
    expect(await offers.list(['lamp'])).toEqual(['Lamp 1, to Chad']);
    await cacheOf(products, 'find').invalidate('lamp');
    jest.advanceTimersByTime(60_000 - 1);
    expect(await offers.list(['lamp'])).toEqual(['Lamp 1, to Chad']);
    jest.advanceTimersByTime(1);
    expect(await offers.list(['lamp'])).toEqual(['Lamp 2, to Chad']);
  });

  it('a memoized getter is read once, and not before somebody asks', async () => {
    const format = jest.spyOn(Intl, 'NumberFormat');
    module = await compile(async () => lamp);
    await module.init();
    expect(format).not.toHaveBeenCalled();
    const products = module.get(ProductsService);
    expect(products.grams).toBe(products.grams);
    expect(format).toHaveBeenCalledTimes(1);
  });
});
