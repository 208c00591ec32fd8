import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyDecorators, forwardRef, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { cached, cacheOf } from '@reprise/core';
import { Roles } from '../src/access.ts';
import { MaxAge } from '../src/max-age.ts';
import { ProductsController } from '../src/products/products.controller.ts';
import { type RunningApp, startApp } from './running-app.legacy.ts';

describe('a controller method under @cached', () => {
  let running: RunningApp;
  beforeAll(async () => {
    running = await startApp();
  });
  afterAll(() => running.close());

  const { sheet, label } = ProductsController.prototype;

  it.each([
    ['above', sheet, ['customer', 'staff'], 60, ':id/sheet'],
    ['below', label, ['staff'], 30, ':id/label'],
  ])('has the metadata of decorators %s it', (_where, method, roles, maxAge, path) => {
    const reflector = new Reflector();
    expect(reflector.get('roles', method)).toEqual(roles);
    expect(reflector.get(MaxAge, method)).toBe(maxAge);
    expect(Reflect.getMetadata('path', method)).toBe(path);
  });

  it('is called and counted as it was written', () => {
    expect([sheet.name, sheet.length, label.name, label.length]).toEqual(['sheet', 1, 'label', 1]);
    expect(Reflect.getMetadata('design:returntype', ProductsController.prototype, 'sheet')).toBe(Promise);
    expect(Reflect.getMetadata('design:paramtypes', ProductsController.prototype, 'sheet')).toEqual([String]);
  });

  it.each([
    ['above', 'sheet', 'customer', 'visitor', 'private, max-age=60', 'application/json; charset=utf-8'],
    ['below', 'label', 'staff', 'customer', 'private, max-age=30', 'text/plain; charset=utf-8'],
  ] as const)(
    'is routed, guarded and intercepted by them, on hits too: @Get %s it',
    async (_where, name, role, other, maxAge, type) => {
      const path = `/products/desk/${name}`;
      const send = (sender: string) => running.send(path, { headers: { 'x-role': sender } });
      expect((await send(other)).status).toBe(403);
      const texts: string[] = [];
      for (let n = 0; n < 3; n++) {
        const response = await send(role);
        expect(response.status).toBe(200);
        expect(response.headers.get('cache-control')).toBe(maxAge);
        expect(response.headers.get('content-type')).toBe(type);
        texts.push(await response.text());
      }
      expect(new Set(texts).size).toBe(1);
      expect((await send(other)).status).toBe(403);
      const controller = running.app.get(ProductsController);
      expect(cacheOf(controller, name).stats()).toMatchObject({ hits: 2, loads: 1 });
    },
  );
});

describe('a decorator composed of others with applyDecorators', () => {
  const Remembered = (maxAge: number): MethodDecorator =>
    applyDecorators(MaxAge(maxAge), cached({ ttl: '1m' }) as MethodDecorator, Roles('staff'));

  it('caches, and leaves what the others left', async () => {
    class Reports {
      runs = 0;
      @Remembered(5)
      async make(year: number): Promise<string> {
        return `${year}: ${++this.runs}`;
      }
    }
    const reports = new Reports();
    expect(await Promise.all([reports.make(2026), reports.make(2026)])).toEqual(['2026: 1', '2026: 1']);
    expect(new Reflector().get(MaxAge, reports.make)).toBe(5);
    expect(new Reflector().get('roles', reports.make)).toEqual(['staff']);
  });
});

it('providers that need each other are told apart by what Nest hands out', async () => {
  @Injectable()
  class Authors {
    constructor(@Inject(forwardRef(() => Books)) readonly books: object) {}
    @cached()
    async find(id: string): Promise<object> {
      return { author: id };
    }
  }
  @Injectable()
  class Books {
    constructor(@Inject(forwardRef(() => Authors)) readonly authors: Authors) {}
    @cached()
    async findAuthor(id: string): Promise<object> {
      return this.authors.find(id);
    }
  }
  const module = await Test.createTestingModule({ providers: [Authors, Books] }).compile();
  const [authors, books] = [module.get(Authors), module.get(Books)];
  expect(await books.findAuthor('le guin')).toBe(await authors.find('le guin'));
  expect(cacheOf(authors, 'find').stats()).toMatchObject({ hits: 1, loads: 1 });
  await module.close();
});
