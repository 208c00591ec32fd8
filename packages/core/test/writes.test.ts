import { describe, expect, it } from '@jest/globals';
import { cached, cacheOf, invalidates, updates } from '@reprise/core';
import { describeUpdates } from './update-cases.ts';
import { describeInvalidates } from './write-cases.ts';
import { describeWrites } from './write-method-cases.ts';

describeInvalidates('standard');
describeWrites('standard');
describeUpdates('standard');

describe('a #private write', () => {
  it('invalidates and updates what its object has cached', async () => {
    class Users {
      runs = 0;
      @cached() async find(id: string): Promise<string> {
        return `${id} ${++this.runs}`;
      }
      @invalidates({ of: 'find', args: (_result, id) => [id] })
      async #remove(_id: string): Promise<void> {}
      @updates({ of: 'find', args: (_result, id) => [id] })
      #save(id: string): string {
        return `${id} saved`;
      }
      async remove(id: string): Promise<void> {
        await this.#remove(id);
      }
      save(id: string): string {
        return this.#save(id);
      }
    }
    const users = new Users();
    await users.find('1');
    await users.remove('1');
    expect(await users.find('1')).toBe('1 2');
    expect(users.save('1')).toBe('1 saved');
    expect(await users.find('1')).toBe('1 saved');
  });

  it('may be static', () => {
    // biome-ignore lint/complexity/noStaticOnlyClass: its static methods are what is tested
    class Users {
      @cached() static count(): number {
        return 1;
      }
      @invalidates({ of: 'count', all: true })
      static #reset(): void {}
      static reset(): void {
        Users.#reset();
      }
    }
    Users.count();
    Users.reset();
    expect(cacheOf(Users, 'count').has()).toBe(false);
  });
});
