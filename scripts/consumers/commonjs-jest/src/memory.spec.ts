import { cached, cacheOf, closeAllCaches, createCache, memoize, RepriseError } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { manualClock } from '@reprise/store-testkit';
import { UsersService } from './users.service';

afterEach(() => closeAllCaches());

describe('in memory', () => {
  it('decorated methods make one run, remember it, and forget it when told', async () => {
    const users = new UsersService();
    const [first, second] = await Promise.all([users.find('42'), users.find('42')]);
    expect(second).toBe(first);
    expect(await users.find('42')).toBe(first);
    expect(cacheOf(users, 'find').stats()).toMatchObject({ hits: 1, misses: 1, coalesced: 1 });

    await users.rename('42');
    expect(await users.find('42')).toEqual({ id: '42', reads: 2 });
    expect(users.limits).toBe(users.limits);
  });

  it('a shared cache goes by its clock and is found by its name', async () => {
    const clock = manualClock();
    createCache({ name: 'prices', store: memoryStore({ maxSize: 10 }), ttl: '1m', clock });
    let reads = 0;
    const price = cached(async (sku: string) => `${sku} ${++reads}`, { cache: 'prices', name: 'price' });
    expect(await price('apple')).toBe('apple 1');
    clock.advance('59s');
    expect(await price('apple')).toBe('apple 1');
    clock.advance('1s');
    expect(await price('apple')).toBe('apple 2');
  });

  it('memoized functions stay synchronous, spies see every call, and errors are of one class', () => {
    const square = memoize((n: number) => n * n);
    expect(square(3)).toBe(9);
    const spy = jest.spyOn(UsersService.prototype, 'find').mockResolvedValue({ id: 'spied', reads: 0 });
    void new UsersService().find('1');
    expect(spy).toHaveBeenCalledWith('1');
    spy.mockRestore();
    expect(() => cached(() => 1, { ttl: -1 })).toThrow(RepriseError);
  });
});
