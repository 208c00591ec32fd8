import { describe, expect, it } from '@jest/globals';
import { cached } from '@reprise/core';
import { describeMethods } from './method-cases.ts';
import { describePrivateMethods } from './private-method-cases.ts';

describeMethods('older');
describePrivateMethods('older');

describe('what the older dialect can tell at definition', () => {
  const loose = cached as unknown as (...args: unknown[]) => any;

  it('is the class of a method with a wrong option', () => {
    expect(() => {
      class Users {
        @cached({ ttl: -1 })
        async find(): Promise<void> {}
      }
      return Users;
    }).toThrow(/Users\.find.*ttl/);
  });

  it('is the class of a field', () => {
    expect(() => {
      class Users {
        @loose()
        names = ['a'];
      }
      return Users;
    }).toThrow(/Users\.names/);
  });

  it('is the class of a setter', () => {
    expect(() => {
      class Users {
        @loose()
        set names(_names: string[]) {}
      }
      return Users;
    }).toThrow(/Users\.names/);
  });

  it('is the class of a getter', () => {
    expect(() => {
      class Users {
        @loose()
        get names(): string[] {
          return [];
        }
      }
      return Users;
    }).toThrow(/Users\.names.*memoize/);
  });

  it('is the class that it stands on itself', () => {
    expect(() => {
      @loose()
      class Users {}
      return Users;
    }).toThrow(/Users/);
  });
});
