import { describe, expect, it } from '@jest/globals';
import { cached } from '@reprise/core';
import { describeMethods } from './method-cases.ts';
import { describePrivateMethods } from './private-method-cases.ts';

describeMethods('standard');
describePrivateMethods('standard');

describe('a #private method', () => {
  it('is cached for each instance', async () => {
    let calls = 0;
    class Users {
      @cached()
      async #load(id: string): Promise<string> {
        calls++;
        return id;
      }
      find(id: string): Promise<string> {
        return this.#load(id);
      }
    }
    const [one, other] = [new Users(), new Users()];
    await one.find('1');
    await one.find('1');
    await other.find('1');
    expect(calls).toBe(2);
  });

  it('may be static', () => {
    let calls = 0;
    // biome-ignore lint/complexity/noStaticOnlyClass: its static method is what is tested
    class Users {
      @cached()
      static #count(): number {
        return ++calls;
      }
      static count(): number {
        return Users.#count();
      }
    }
    expect([Users.count(), Users.count()]).toEqual([1, 1]);
  });
});
