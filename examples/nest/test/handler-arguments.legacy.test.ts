import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Body, Controller, Get, type INestApplication, Param, Post, Query, Req } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { cached } from '@reprise/core';
import { defer, type Observable, of } from 'rxjs';

@Controller()
class Handlers {
  runs = 0;

  @Get('query')
  @cached()
  async query(@Query() query: object): Promise<object> {
    return { run: ++this.runs, query };
  }
  @Get('params/:year/:month')
  @cached()
  async params(@Param() params: object): Promise<object> {
    return { run: ++this.runs, params };
  }
  @Post('body')
  @cached()
  async body(@Body() body: object): Promise<object> {
    return { run: ++this.runs, body };
  }
  @Get('request')
  @cached()
  async request(@Req() _request: object): Promise<object> {
    return { run: ++this.runs };
  }
  @Get('observable')
  @cached()
  observable(): Observable<object> {
    return defer(() => of({ run: ++this.runs }));
  }
}

let app: INestApplication;
let url: string;
beforeAll(async () => {
  app = (await Test.createTestingModule({ controllers: [Handlers] }).compile()).createNestApplication();
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());

/** The runs that answered requests to `paths`, counted from the first of them. */
async function countRuns(paths: readonly string[], init: RequestInit = {}): Promise<number[]> {
  app.get(Handlers).runs = 0;
  const runs: number[] = [];
  for (const path of paths) {
    const response = await fetch(`${url}${path}`, { ...init, headers: { connection: 'close', ...init.headers } });
    runs.push(((await response.json()) as { run: number }).run);
  }
  return runs;
}

it('a cached handler tells calls apart by what @Query, @Param and @Body hold', async () => {
  expect(await countRuns(['/query?a=1&b=2', '/query?b=2&a=1', '/query?a=1', '/query?a=1&a=1'])).toEqual([1, 1, 2, 3]);
  expect(await countRuns(['/params/2026/1', '/params/2026/1', '/params/2026/2'])).toEqual([1, 1, 2]);
  const post = { method: 'POST', body: '{"a":[1]}', headers: { 'content-type': 'application/json' } };
  expect(await countRuns(['/body', '/body'], post)).toEqual([1, 1]);
});

it('a cached handler that takes the request remembers nothing for the next one', async () => {
  expect(await countRuns(['/request', '/request'])).toEqual([1, 2]);
});

it('an observable is handed on and not kept, which is said once', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  expect(await countRuns(['/observable', '/observable'])).toEqual([1, 2]);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(String(warn.mock.calls[0]?.[0])).toContain('Handlers.observable');
  warn.mockRestore();
});
