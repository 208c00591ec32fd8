import { describe, expect, it } from '@jest/globals';
import { cloneValue } from '../../src/isolate.ts';
import { captureStack, failStacks, refusalOf, refused, User } from './values.ts';

describe('what cannot be copied faithfully is refused, with its place:', () => {
  it.each(refused)('%s', (_name, make, message) => {
    const value = make();
    const said = refusalOf(() => cloneValue(value));
    expect(said).toContain(message);
    expect(said).toContain('leave `isolate` out for this function');
  });

  it('in a few words, however deep it is', () => {
    let value: unknown = new User(1);
    for (let level = 0; level < 100_000; level++) value = { next: value };
    const said = refusalOf(() => cloneValue(value));
    expect(said).toContain('.next.next…, at a depth of 100000, is an instance of User,');
    expect(said.length).toBeLessThan(400);
  });

  it.each([
    ['an error', () => ({ failure: new Error('x') }), 'value.failure could not be copied.'],
    ['an error within one', () => new Error('x', { cause: new Error('y') }), 'value could not be copied.'],
  ])('also where reading a stack fails, with what was thrown: %s', (_name, make, message) => {
    const thrown = new Error('no stacks');
    const value = make();
    const error = failStacks(thrown, () => cloneValue(value));
    expect(error).toMatchObject({ code: 'E_ISOLATE', message: expect.stringContaining(message), cause: thrown });
  });

  it('also where that is of a plain object', () => {
    // In newer versions of Node.js this is an accessor.
    const error = failStacks(new Error('no stacks'), () => cloneValue([captureStack()]));
    expect(error).toMatchObject({ code: 'E_ISOLATE', message: expect.stringContaining('value[0]') });
  });

  it('and Error is left as it was', () => {
    Error.stackTraceLimit = 7;
    cloneValue(new Error('x'));
    expect(Error.stackTraceLimit).toBe(7);
    Error.stackTraceLimit = 10;
  });
});
