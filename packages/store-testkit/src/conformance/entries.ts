import assert from 'node:assert/strict';
import type { Entry } from '@reprise/store';
import { sameValue } from '../same-value.ts';
import { type ConformanceCase, show, type Trial } from './case.ts';

const details: readonly (readonly [name: string, fields: Partial<Entry>])[] = [
  ['tags', { tags: ['user:1', 'list', 'ünï', ''] }],
  ['150 tags', { tags: Array.from({ length: 150 }, (_, index) => `tag:${index}`) }],
  ['idle', { idle: 30_000 }],
  ['loadTime', { loadTime: 12.5 }],
  ['a numeric generation', { generation: 7 }],
  ['a textual generation', { generation: '3:1f' }],
  ['size', { size: 1_234 }],
  ['the whole key', { key: `find(${'x'.repeat(300)})` }],
];

/** Entries: what is known of a value comes back with it, and errors stay errors. */
export const entryCases: readonly ConformanceCase[] = [
  {
    name: 'createdAt, expiresAt and staleUntil come back as they were set',
    run: async (trial) => {
      await checkRoundTrip(trial, { ...trial.entry('v', 1_000, 500), createdAt: trial.clock.now() - 250 });
    },
  },
  {
    name: 'Infinity as expiresAt and staleUntil comes back',
    run: (trial) => checkRoundTrip(trial, { ...trial.entry('v'), expiresAt: Infinity, staleUntil: Infinity }),
  },
  {
    name: 'a finite expiresAt beside an infinite staleUntil comes back',
    run: (trial) => checkRoundTrip(trial, { ...trial.entry('v', 1_000), staleUntil: Infinity }),
  },
  ...details.map(
    ([name, fields]): ConformanceCase => ({
      name: `${name} comes back as set`,
      run: (trial) => checkRoundTrip(trial, { ...trial.entry('v'), ...fields }),
    }),
  ),
  {
    name: 'all fields together come back as set',
    run: (trial) =>
      checkRoundTrip(
        trial,
        Object.assign(trial.entry('v', 1_000, 500), ...details.map(([, fields]) => fields)) as Entry,
      ),
  },
  {
    name: 'that the function answered with a promise is remembered by a synchronous store',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', { ...trial.entry('v'), promised: true });
      const promised = (await store.get('k'))?.promised;
      // Asynchronous stores answer with promises in any case.
      assert(promised === true || (!store.sync && promised === undefined), `promised is ${show(promised)}`);
    },
  },
  {
    name: 'fields that were not set are not made up, nor left from the entry before',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', {
        ...trial.entry('v'),
        tags: ['old'],
        idle: 5_000,
        generation: (await store.generation?.()) ?? 1,
        key: 'whole',
        loadTime: 1,
      });
      await store.set('k', trial.entry('v'));
      const entry = await store.get('k');
      for (const name of ['tags', 'idle', 'generation', 'key', 'loadTime'] as const) {
        // A store with counters says by which it has judged what came without.
        if (name === 'generation' && store.generation !== undefined) continue;
        assert(entry !== undefined && entry[name] === undefined, `${name} is ${show(entry?.[name])}; it was not set`);
      }
    },
  },
  {
    name: 'a remembered error comes back as an error, with name, message and fields of its own',
    run: async (trial) => {
      const store = await trial.open();
      const error = Object.assign(new TypeError('no such user'), { status: 404 });
      await store.set('k', trial.failure(error));
      const entry = await store.get('k');
      assert(entry !== undefined && 'error' in entry, `the error came back as ${show(entry)}`);
      assert(!('value' in entry), 'an entry that holds an error has no value');
      assert(sameValue(entry.error, error), `the error came back as ${show(entry.error)}`);
    },
  },
  {
    name: 'a remembered error that is no Error, null for one, comes back as an error',
    run: async (trial) => {
      const store = await trial.open();
      for (const error of [null, undefined, 'text', 0]) {
        await store.set('k', trial.failure(error));
        const entry = await store.get('k');
        assert(
          entry !== undefined && 'error' in entry && sameValue(entry.error, error),
          `${show(error)} came back as ${show(entry)}`,
        );
      }
    },
  },
  {
    name: 'a value replaces a remembered error, and an error a value',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.failure(new Error('down')));
      await store.set('k', trial.entry('up'));
      assert(!('error' in ((await store.get('k')) ?? { error: 1 })), 'the error is still there');
      await store.set('k', trial.failure(new Error('down')));
      assert('error' in ((await store.get('k')) ?? {}), 'the value is still there');
    },
  },
];

async function checkRoundTrip(trial: Trial, wanted: Entry): Promise<void> {
  const store = await trial.open();
  // A store with fences keeps nothing under a generation that it has not given.
  const isJudged = wanted.generation !== undefined && store.generation !== undefined;
  const entry = isJudged ? { ...wanted, generation: (await store.generation?.()) as number | string } : wanted;
  await store.set('k', entry);
  const found = await store.get('k');
  assert(found !== undefined, 'there is no entry');
  for (const name of Object.keys(entry) as (keyof Entry)[]) {
    assert(sameValue(found[name], entry[name]), `${name} is ${show(found[name])}; it was set to ${show(entry[name])}`);
  }
}
