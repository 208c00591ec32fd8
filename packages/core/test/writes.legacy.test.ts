import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { cached, invalidates, updates } from '@reprise/core';
import { describeUpdates } from './update-cases.ts';
import { describeInvalidates } from './write-cases.ts';
import { describeWrites } from './write-method-cases.ts';

describeInvalidates('older');
describeWrites('older');
describeUpdates('older');

/** As frameworks do: puts metadata on the function. */
function route(path: string): MethodDecorator {
  return (_target, _name, descriptor) => {
    Reflect.defineMetadata('path', path, descriptor.value as object);
  };
}

describe('metadata of neighbouring decorators', () => {
  it('stays with the method, put above or below', () => {
    class Users {
      @cached() find(id: string): string {
        return id;
      }
      @route('/above')
      @invalidates({ of: 'find', all: true })
      above(_id: string): void {}
      @updates({ of: 'find', args: (result) => [result] })
      @invalidates({ of: 'find', all: true })
      @route('/below')
      below(id: string): string {
        return id;
      }
    }
    const path = (method: object) => Reflect.getMetadata('path', method);
    expect([path(Users.prototype.above), path(Users.prototype.below)]).toEqual(['/above', '/below']);
    expect(Reflect.getMetadata('design:paramtypes', Users.prototype, 'below')).toEqual([String]);
  });

  it('lets a wrong effect name the class at definition', () => {
    expect(() => {
      class Users {
        @invalidates({ of: 'find', all: true, args: (() => []) as never } as never)
        remove(): void {}
      }
      return Users;
    }).toThrow(/^@invalidates on Users\.remove: all: true and args exclude each other/);
  });
});
