import { cached, closeAllCaches, createCache, memoize } from '@reprise/core';
import { UsersService } from './users.service';

describe('modern fake timers', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(async () => {
    jest.useRealTimers();
    await closeAllCaches();
  });

  it('drive the ttl of a decorated method', async () => {
    const users = new UsersService();
    await users.find('42');
    jest.advanceTimersByTime(600_000 - 1);
    expect((await users.find('42')).reads).toBe(1);
    jest.advanceTimersByTime(1);
    expect((await users.find('42')).reads).toBe(2);
  });

  it('drive the ttl of wrapped functions', () => {
    let reads = 0;
    const price = cached((_sku: string) => ++reads, { ttl: '10m' });
    const slug = memoize((_title: string) => ++reads, { ttl: '10m' });
    expect([price('apple'), slug('Out of Sight')]).toEqual([1, 2]);
    jest.advanceTimersByTime(600_000 - 1);
    expect([price('apple'), slug('Out of Sight')]).toEqual([1, 2]);
    jest.advanceTimersByTime(1);
    expect([price('apple'), slug('Out of Sight')]).toEqual([3, 4]);
  });

  it('drive a shared cache, by setSystemTime too', async () => {
    const cache = createCache({ name: 'rates', ttl: '1h' });
    let reads = 0;
    const read = () => cache.getOrSet('rate', async () => ++reads);
    await read();
    jest.setSystemTime(Date.now() + 3_600_000 - 1);
    expect(await read()).toBe(1);
    jest.setSystemTime(Date.now() + 1);
    expect(await read()).toBe(2);
  });

  it('have no timer to run: nothing is waiting for entries to expire', () => {
    const read = cached((sku: string) => sku, { ttl: '10m' });
    for (let n = 0; n < 100; n++) read(String(n));
    expect(jest.getTimerCount()).toBe(0);
  });
});
