import { expect, it } from '@jest/globals';
import { getCache } from '@reprise/core';
import { awaitEvents, startApp } from './running-app.legacy.ts';

it('app.close() closes the shared cache and frees its name, and the next application begins anew', async () => {
  for (let round = 1; round <= 2; round++) {
    const { app, upstream, send, sendAsStaff, close } = await startApp();
    const cache = getCache('catalog');
    await Promise.all([
      send('/products/lamp'),
      send('/offers?ids=lamp,desk'),
      send('/prices/lamp', { headers: { 'x-tenant': 'acme' } }),
      sendAsStaff('/products/lamp/label'),
    ]);
    expect(cache?.stats().size).toBe(4);
    expect(upstream.countRequests('/products')).toBe(2);
    await app.close();
    expect(getCache('catalog')).toBeUndefined();
    expect(cache?.stats().size).toBe(0);
    await close();
  }
});

it('a request that is under way while the application closes is answered', async () => {
  const { app, upstream, send, close } = await startApp();
  const release = upstream.hold();
  const joined = awaitEvents('coalesced', 1);
  const responses = [send('/products/lamp'), send('/products/lamp')];
  await joined;
  const closed = app.close();
  release();
  for (const response of await Promise.all(responses)) expect(await response.json()).toMatchObject({ name: 'Lamp' });
  await closed;
  expect(upstream.countRequests()).toBe(1);
  await close();
});
