import { describe, expect, it } from '@jest/globals';
import { OperationOrder } from '@reprise/store';

/** Changes that end by the test's hand, and which of them have begun and ended. */
function holdChanges() {
  const order = new OperationOrder();
  const log: string[] = [];
  const ends = new Map<string, (error?: unknown) => void>();
  const hold = (name: string) => (): Promise<string> => {
    log.push(`+${name}`);
    return new Promise((resolve, reject) => {
      ends.set(name, (error) => {
        log.push(`-${name}`);
        if (error === undefined) resolve(name);
        else reject(error);
      });
    });
  };
  const end = async (name: string, error?: unknown): Promise<void> => {
    ends.get(name)?.(error);
    await new Promise(setImmediate);
  };
  return { order, log, hold, end };
}

describe('the order of operations', () => {
  it('begins at once what nothing is before', () => {
    const { order, log, hold } = holdChanges();
    void order.change('a', hold('a'));
    void order.change('b', hold('b'));
    void new OperationOrder().changeAll(hold('all'));
    expect(log).toEqual(['+a', '+b', '+all']);
  });

  it('begins the changes of one key one after the other, also behind one that failed, which its caller hears of', async () => {
    const { order, log, hold, end } = holdChanges();
    const first = order.change('a', hold('1'));
    const second = order.change('a', hold('2'));
    const failure = expect(first).rejects.toThrow('lost');
    expect(log).toEqual(['+1']);
    await end('1', new Error('lost'));
    await failure;
    expect(log).toEqual(['+1', '-1', '+2']);
    await end('2');
    expect(await second).toBe('2');
    expect(order.pendingOf('a')).toBeUndefined();
  });

  it('begins a change of many keys behind all that it covers, and what it covers behind it', async () => {
    const { order, log, hold, end } = holdChanges();
    void order.change('a1', hold('a1'));
    void order.change('b1', hold('b1'));
    void order.changeAll(hold('all a'), 'a');
    void order.change('a2', hold('a2'));
    void order.change('b2', hold('b2'));
    expect(log).toEqual(['+a1', '+b1', '+b2']);
    await end('a1');
    expect(log.slice(3)).toEqual(['-a1', '+all a']);
    await end('all a');
    expect(log.slice(5)).toEqual(['-all a', '+a2']);
  });

  it('begins changes of many keys one after the other, whatever they cover', async () => {
    const { order, log, hold, end } = holdChanges();
    void order.changeAll(hold('a'), 'a');
    void order.changeAll(hold('b'), 'b');
    void order.change('a', hold('a later'));
    expect(log).toEqual(['+a']);
    await end('a');
    expect(log).toEqual(['+a', '-a', '+a later', '+b']);
  });

  it('says of a key whether it is changing, and whether it was cleared last', async () => {
    const { order, hold, end } = holdChanges();
    const read = (key: string) => [order.isChanging(key), order.isCleared(key), order.pendingOf(key) !== undefined];
    void order.change('a', hold('set'));
    expect(read('a')).toEqual([true, false, true]);
    void order.changeAll(hold('clear'), 'a');
    expect(read('a')).toEqual([false, true, true]);
    expect(read('b')).toEqual([false, false, false]);
    void order.change('a', hold('set again'));
    expect(read('a')).toEqual([true, false, true]);
    for (const name of ['set', 'clear', 'set again']) await end(name);
    expect(read('a')).toEqual([false, false, false]);
  });

  it('is idle when what was called has ended, and settled when what that has set off has, too', async () => {
    const { order, log, hold, end } = holdChanges();
    expect(order.idle()).toBeUndefined();
    void order.change('a', hold('a')).then(() => order.track(hold('what follows')()));
    void order.idle()?.then(() => log.push('idle'));
    void order.settle().then(() => log.push('settled'));
    await end('a');
    expect(log).toEqual(['+a', '-a', '+what follows', 'idle']);
    await end('what follows', new Error('it is nobody’s'));
    expect(log.slice(4)).toEqual(['-what follows', 'settled']);
    expect(order.idle()).toBeUndefined();
  });
});
