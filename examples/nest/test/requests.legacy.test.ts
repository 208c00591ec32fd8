import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { cacheOf } from '@reprise/core';
import { map } from 'rxjs';
import { ProductsService } from '../src/products/products.service.ts';
import { awaitEvents, type RunningApp, renameTo, startApp } from './running-app.legacy.ts';

let running: RunningApp;
const times = <Result>(count: number, work: (n: number) => Result): Result[] =>
  Array.from({ length: count }, (_, n) => work(n));
const readBodies = async (responses: readonly Promise<Response>[]): Promise<unknown[]> =>
  Promise.all((await Promise.all(responses)).map((response) => response.json()));

describe('requests to a Nest application', () => {
  beforeEach(async () => {
    running = await startApp();
  });
  afterEach(() => running.close());

  it('that come at once make one upstream request', async () => {
    const { upstream, send } = running;
    const release = upstream.hold();
    const joined = awaitEvents('coalesced', 49);
    const responses = times(50, () => send('/products/lamp'));
    await joined;
    release();

    expect(new Set((await readBodies(responses)).map((body) => JSON.stringify(body)))).toEqual(
      new Set(['{"id":"lamp","name":"Lamp","weight":1200}']),
    );
    expect(upstream.countRequests('/products/lamp')).toBe(1);

    await send('/products/lamp');
    expect(upstream.countRequests()).toBe(1);
    const products = running.app.get(ProductsService);
    expect(cacheOf(products, 'find').stats()).toMatchObject({ hits: 1, misses: 1, coalesced: 49, loads: 1 });
  });

  it('that fail at once make one upstream request, each with its own answer, and none is remembered', async () => {
    const { upstream, send } = running;
    const release = upstream.hold();
    const joined = awaitEvents('coalesced', 9);
    const responses = times(10, () => send('/products/nothing'));
    await joined;
    release();

    for (const response of await Promise.all(responses)) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ message: 'There is no /products/nothing.' });
    }
    expect(upstream.countRequests()).toBe(1);

    upstream.failing = true;
    expect((await send('/products/nothing')).status).toBe(502);
    upstream.failing = false;
    expect((await send('/products/nothing')).status).toBe(404);
    expect(upstream.countRequests()).toBe(3);
  });

  it('are not answered with what a read brings that an update has overtaken', async () => {
    const { upstream, send } = running;
    const release = upstream.hold();
    const arrived = upstream.nextRequest();
    const early = send('/products/lamp');
    await arrived;
    expect((await send('/products/lamp', renameTo('Lantern'))).status).toBe(204);
    const rereads = upstream.nextRequest();
    const late = send('/products/lamp');
    await rereads;
    release();

    expect(await readBodies([early, late])).toEqual([
      { id: 'lamp', name: 'Lamp', weight: 1_200 },
      { id: 'lamp', name: 'Lantern', weight: 1_200 },
    ]);
    expect(await readBodies([send('/products/lamp')])).toMatchObject([{ name: 'Lantern' }]);
  });

  it('see an update in what controllers have remembered, too', async () => {
    const { send, sendAsStaff } = running;
    expect(await (await sendAsStaff('/products/lamp/label')).text()).toBe('Lamp, 1,200 g');
    expect(await readBodies([sendAsStaff('/products/lamp/sheet')])).toMatchObject([{ product: { name: 'Lamp' } }]);
    await send('/products/lamp', renameTo('Lantern'));
    expect(await (await sendAsStaff('/products/lamp/label')).text()).toBe('Lantern, 1,200 g');
    expect(await readBodies([sendAsStaff('/products/lamp/sheet')])).toMatchObject([{ product: { name: 'Lantern' } }]);
  });

  it('to two modules share what either has read, and what a transient service of both has', async () => {
    const { upstream, send, sendAsStaff } = running;
    expect(await readBodies([send('/offers?ids=lamp,desk')])).toEqual([
      ['Lamp, to Chad and Peru', 'Desk, to Chad and Peru'],
    ]);
    await Promise.all([send('/products/lamp'), send('/products/desk'), sendAsStaff('/products/lamp/sheet')]);
    expect(upstream.countRequests('/products')).toBe(2);
    expect(upstream.countRequests('/countries')).toBe(1);

    expect(await readBodies([sendAsStaff('/cache')])).toMatchObject([{ size: 4, loads: 4 }]);
    expect((await send('/cache', { method: 'DELETE' })).status).toBe(403);
    expect((await sendAsStaff('/cache', { method: 'DELETE' })).status).toBe(204);
    expect(await readBodies([sendAsStaff('/cache')])).toMatchObject([{ size: 0 }]);
    await send('/offers?ids=lamp,desk');
    expect(upstream.countRequests('/products')).toBe(4);
    expect(upstream.countRequests('/countries')).toBe(2);
  });
});

it('a request that joined another one keeps its own context', async () => {
  const context = new AsyncLocalStorage<string>();
  running = await startApp({
    app: (app) => {
      app.use((request: { headers: Record<string, string> }, _response: unknown, next: () => void) =>
        context.run(request.headers['x-request-id'] ?? '', next),
      );
      app.useGlobalInterceptors({
        intercept: (execution: ExecutionContext, next) =>
          next.handle().pipe(
            map((body) => {
              const response = execution.switchToHttp().getResponse<ServerResponse>();
              response.setHeader('x-request-id', context.getStore() ?? 'lost');
              return body;
            }),
          ),
      });
    },
  });
  const release = running.upstream.hold();
  try {
    const joined = awaitEvents('coalesced', 9);
    const responses = times(10, (n) => running.send('/products/lamp', { headers: { 'x-request-id': `request ${n}` } }));
    await joined;
    release();
    const ids = (await Promise.all(responses)).map(({ headers }) => headers.get('x-request-id'));
    expect(ids).toEqual(times(10, (n) => `request ${n}`));
  } finally {
    await running.close();
  }
});
