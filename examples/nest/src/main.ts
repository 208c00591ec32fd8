import 'reflect-metadata';
import { setImmediate } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { cacheOf, getCache } from '@reprise/core';
import { AppModule } from './app.module.ts';
import { Claims } from './claims.ts';
import { Watch } from './collected.ts';
import { PricesService } from './prices/prices.service.ts';
import { ProductsService } from './products/products.service.ts';
import { type Product, Upstream } from './upstream.ts';

interface Round {
  readonly requests: number;
  readonly upstream: number;
  readonly milliseconds: number;
}

const latency = 150;
const upstream = new Upstream(latency, [
  { id: 'lamp', name: 'Lamp', weight: 1_200 },
  { id: 'desk', name: 'Desk', weight: 30_000 },
]);
const requests = new Watch();
const claims = new Claims();
const rounds: Record<string, Round> = {};

const app = await NestFactory.create(AppModule.forUpstream(await upstream.start()), { logger: ['error'] });
app.use((request: object, _response: object, next: () => void) => {
  requests.add(request);
  next();
});
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();

try {
  await shareOneRequest();
  await updateDuringRead();
  await shareBetweenModules();
  await keepTenantsApart();
  await keepMetadata();
  console.log('\nProductsService.find (time saved in milliseconds)');
  const products = app.get(ProductsService);
  const { hits, misses, coalesced, loads, timeSaved } = cacheOf(products, 'find').stats();
  console.table({ hits, misses, coalesced, loads, timeSaved: Math.round(timeSaved) });
} finally {
  await app.close();
  await upstream.stop();
}
console.log('The application is closed');
claims.check('the shared cache is closed with it', getCache('catalog') === undefined);
const open = await listOpenHandles();
claims.check(`no server, socket or timer is left${open.map((kind) => ` but ${kind}`).join('')}`, open.length === 0);

console.log('\nRequests to the application, and what the upstream saw of them');
console.table(rounds);
console.log(claims.failed === 0 ? 'All claims hold.' : `Claims that do not hold: ${claims.failed}.`);
process.exitCode = claims.failed === 0 ? 0 : 1;

/** A cold cache and a crowd; then the same crowd again. */
async function shareOneRequest(): Promise<void> {
  console.log('100 requests for one product at once, and 100 more');
  const cold = await ask('products, cold', 100, '/products/lamp');
  claims.check('the upstream saw one request', cold.upstream === 1);
  const warm = await ask('products, warm', 100, '/products/lamp');
  claims.check('then none', warm.upstream === 0);
}

/** The update is through before the read that began earlier is back. */
async function updateDuringRead(): Promise<void> {
  console.log('\nA product gets another name while a read of it is under way');
  const arrived = upstream.nextRequest();
  const early = get('/products/desk');
  await arrived;
  await fetch(`${url}/products/desk`, {
    method: 'PUT',
    headers: { 'x-role': 'staff', 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Table', weight: 30_000 }),
  });
  const late = get('/products/desk');
  const names = (await Promise.all([early, late])).map((response) => response.json() as Promise<Product>);
  const [before, after] = await Promise.all(names);
  claims.check(`the read from before gets what it read, ${before?.name}`, before?.name === 'Desk');
  claims.check(`the next one gets what it is called now, ${after?.name}`, after?.name === 'Table');
}

/** Two modules, one cache by name; a transient service that exists once in each of them. */
async function shareBetweenModules(): Promise<void> {
  console.log('\nTwo modules use one cache');
  const { upstream: seen } = await ask('offers', 50, '/offers?ids=lamp,desk');
  claims.check('the offers read the products that the other module has remembered', seen === 1);
  await ask('sheets', 50, '/products/lamp/sheet');
  claims.check(
    'the transient service of both modules asked for the countries once',
    upstream.countRequests('/countries') === 1,
  );
}

/** A service made for each request, whose entries belong to the tenant of the request. */
async function keepTenantsApart(): Promise<void> {
  console.log('\n90 requests of three tenants, each answered by a service of its own');
  const tenants = ['acme', 'globex', 'initech'];
  const { upstream: seen } = await ask('prices', 90, '/prices/lamp', (n) => tenants[n % 3] ?? '');
  claims.check('the upstream saw one request for each tenant', seen === 3);
  claims.check('three entries are left', cacheOf(PricesService, 'find').stats().size === 3);
  const alive = await requests.countAlive();
  claims.check(`and none of ${requests.seen} request objects`, alive === 0);
}

/** What `@SetMetadata` and `@Get` left on handlers above and below `@cached`. */
async function keepMetadata(): Promise<void> {
  console.log('\nA handler that is cached, for staff only');
  const label = '/products/lamp/label';
  const statuses = [await get(label), await get(label, { 'x-role': 'customer' })].map(({ status }) => status);
  claims.check('the guard refuses the others, remembered or not', statuses.join() === '403,403');
  const response = await get(label, { 'x-role': 'staff' });
  claims.check('staff are answered', (await response.text()) === 'Lamp, 1,200 g');
  claims.check(
    'with the header that the interceptor adds',
    response.headers.get('cache-control') === 'private, max-age=30',
  );
}

/** What keeps the process alive, but for where it prints to. Sockets need a few turns of the event loop to be closed. */
async function listOpenHandles(): Promise<string[]> {
  const list = () => process.getActiveResourcesInfo().filter((kind) => /^(TCP|Timeout|Immediate)/.test(kind));
  for (let turn = 0; turn < 1_000 && list().length > 0; turn++) await setImmediate();
  return list();
}

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { connection: 'close', ...headers } });
}

/** Sends so many requests at once, and notes what the upstream saw of them. */
async function ask(
  name: string,
  count: number,
  path: string,
  tenant: (n: number) => string = () => '',
): Promise<Round> {
  const seenBefore = upstream.countRequests();
  const started = performance.now();
  const sent = Array.from({ length: count }, (_, n) => get(path, { 'x-role': 'staff', 'x-tenant': tenant(n) }));
  for (const response of await Promise.all(sent)) {
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    await response.text();
  }
  const milliseconds = Math.round(performance.now() - started);
  const round = { requests: count, upstream: upstream.countRequests() - seenBefore, milliseconds };
  rounds[name] = round;
  return round;
}
