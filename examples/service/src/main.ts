import { cacheOf } from '@reprise/core';
import { Catalog, NaiveCatalog, UpstreamError } from './catalog.ts';
import { Claims } from './claims.ts';
import { type Product, Upstream } from './upstream.ts';

type Products = Pick<Catalog, 'find' | 'save'>;

interface Round {
  readonly results: readonly PromiseSettledResult<Product>[];
  readonly requests: number;
  readonly milliseconds: number;
}

const latency = 150;
const upstream = new Upstream(latency, [
  { id: 'lamp', price: 40 },
  { id: 'desk', price: 300 },
  { id: 'chair', price: 300 },
  { id: 'shelf', price: 80 },
]);
const url = await upstream.start();
const catalog = new Catalog(url);
const claims = new Claims();
const rounds: Record<string, { callers: number; requests: number; milliseconds: number }> = {};

try {
  await shareOneRequest();
  await answerFromMemory();
  await updateDuringRead();
  await shareOneFailure();
} finally {
  await upstream.stop();
}

console.log('\nWhat the upstream saw');
console.table(rounds);
const { hits, misses, coalesced, loads, errors, timeSaved } = cacheOf(catalog, 'find').stats();
console.log('Catalog.find (time saved in milliseconds)');
console.table({ hits, misses, coalesced, loads, errors, timeSaved: Math.round(timeSaved) });
console.log(claims.failed === 0 ? 'All claims hold.' : `Claims that do not hold: ${claims.failed}.`);
process.exitCode = claims.failed === 0 ? 0 : 1;

/** A cold cache and a crowd: the first caller asks the upstream, all the others wait for its answer. */
async function shareOneRequest(): Promise<void> {
  console.log('200 callers ask for one product at once, and nothing is remembered yet');
  const { results, requests } = await callAtOnce('cold', 200, 'lamp');
  claims.check('the upstream saw one request', requests === 1);
  claims.check(
    'every caller got the product',
    results.every((result) => priceOf(result) === 40),
  );
}

async function answerFromMemory(): Promise<void> {
  console.log('\nThe same 200 callers again');
  const { requests, milliseconds } = await callAtOnce('warm', 200, 'lamp');
  claims.check('the upstream saw nothing', requests === 0);
  claims.check(`they were answered sooner than the upstream could, in ${latency} ms`, milliseconds < latency);
}

/** The classic way to a stale value that stays: an update overtakes a read. */
async function updateDuringRead(): Promise<void> {
  console.log('\nA price changes from 300 to 250 while a read of the old one is under way');
  const early = await readDuringUpdate(catalog, 'desk');
  claims.check('the read that began before the update gets what it read, 300', early.price === 300);
  claims.check('what it read was not stored', (await cacheOf(catalog, 'find').peek('desk')) === undefined);
  claims.check('the next read gets 250', (await catalog.find('desk')).price === 250);
  claims.check('and that is stored', (await cacheOf(catalog, 'find').peek('desk'))?.price === 250);

  const naive = new NaiveCatalog(url);
  await readDuringUpdate(naive, 'chair');
  const { price } = await naive.find('chair');
  claims.check(`a naive cache goes on serving ${price}, for as long as it lives`, price === 300);
}

/** A moment of failure: one request is made, its error reaches everybody who waits, and nobody after that. */
async function shareOneFailure(): Promise<void> {
  console.log('\n50 callers at once while the upstream fails');
  upstream.failing = true;
  const { results, requests } = await callAtOnce('failing', 50, 'shelf');
  const errors = new Set(results.map((result) => (result.status === 'rejected' ? result.reason : undefined)));
  const [error] = errors;
  claims.check('the upstream saw one request', requests === 1);
  claims.check(`every caller got the same error: ${error}`, errors.size === 1 && error instanceof UpstreamError);

  upstream.failing = false;
  const recovered = await callAtOnce('recovered', 50, 'shelf');
  claims.check('the failure was not remembered: the next callers made one request', recovered.requests === 1);
  claims.check(
    'and got the product',
    recovered.results.every((result) => priceOf(result) === 80),
  );
}

/** Calls `catalog.find(id)` so many times at once, and notes what that cost. */
async function callAtOnce(round: string, callers: number, id: string): Promise<Round> {
  const requestsBefore = upstream.requests;
  const started = performance.now();
  const results = await Promise.allSettled(Array.from({ length: callers }, () => catalog.find(id)));
  const milliseconds = Math.round(performance.now() - started);
  const requests = upstream.requests - requestsBefore;
  rounds[round] = { callers, requests, milliseconds };
  return { results, requests, milliseconds };
}

/** Begins a read, updates the product before the read is back, and returns what the read got. */
async function readDuringUpdate(products: Products, id: string): Promise<Product> {
  const arrived = upstream.nextRequest();
  const read = products.find(id);
  await arrived;
  await products.save({ id, price: 250 });
  return read;
}

function priceOf(result: PromiseSettledResult<Product>): number | undefined {
  return result.status === 'fulfilled' ? result.value.price : undefined;
}
