import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { type CacheEventType, getCache } from '@reprise/core';
import { AppModule } from '../src/app.module.ts';
import { Upstream } from '../src/upstream.ts';

/** An application that listens on loopback, in front of an upstream that does, too. */
export interface RunningApp {
  readonly app: INestApplication;
  readonly upstream: Upstream;
  /** Sends a real request on a connection of its own. */
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Says that a member of staff sends it. */
  sendAsStaff(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

interface Changes {
  /** Changes the modules before they are made. */
  readonly modules?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** Changes the application before it listens. */
  readonly app?: (app: INestApplication) => void;
}

export async function startApp({ modules = (builder) => builder, app: change }: Changes = {}): Promise<RunningApp> {
  const upstream = new Upstream(0, [
    { id: 'lamp', name: 'Lamp', weight: 1_200 },
    { id: 'desk', name: 'Desk', weight: 30_000 },
  ]);
  const builder = Test.createTestingModule({ imports: [AppModule.forUpstream(await upstream.start())] });
  const app = (await modules(builder).compile()).createNestApplication();
  change?.(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const send = (path: string, { headers = {}, ...init }: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { connection: 'close', ...(headers as Record<string, string>) } });
  return {
    app,
    upstream,
    send,
    sendAsStaff: (path, { headers = {}, ...init } = {}) =>
      send(path, { ...init, headers: { 'x-role': 'staff', ...(headers as Record<string, string>) } }),
    async close() {
      await app.close();
      await upstream.stop();
    },
  };
}

/** Resolves when the shared cache has told of so many events. */
export function awaitEvents(type: CacheEventType, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cache = getCache('catalog');
    if (cache === undefined) return reject(new Error('There is no cache called catalog.'));
    let seen = 0;
    const stop = cache.on(type, () => {
      if (++seen < count) return;
      stop();
      resolve();
    });
  });
}

/** A change of a product, as a request. */
export const renameTo = (name: string): RequestInit => ({
  method: 'PUT',
  headers: { 'x-role': 'staff', 'content-type': 'application/json' },
  body: JSON.stringify({ name, weight: 1_200 }),
});
