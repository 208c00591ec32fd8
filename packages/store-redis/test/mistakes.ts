/** What the store must not forget; each makes it forget one thing, until it is undone. They show that a test can fail. */
import { createHash } from 'node:crypto';
import * as scripts from '../src/scripts.ts';
import { Server } from '../src/server.ts';

type Undo = () => void;

/** Scripts take a state for theirs wherever it was written. */
function trustEveryState(): Undo {
  const changed = Object.values(scripts).map((script) => {
    const before = { ...script };
    const text = script.text.replace('if author ~= origin() then return nil end', '');
    if (text === script.text) throw new Error('the scripts no longer say so: this mistake has to be made anew');
    Object.assign(script, { text, digest: createHash('sha1').update(text).digest('hex') });
    return () => Object.assign(script, before);
  });
  return () => {
    for (const undo of changed) undo();
  };
}

/** Plain reads go on as if the connection led to the server that has answered last, whatever became of the connection. */
function trustEveryConnection(): Undo {
  const right = Object.getOwnPropertyDescriptor(Server.prototype, 'origin') as PropertyDescriptor;
  const learn = Server.prototype.learn;
  const last = new WeakMap<Server, string>();
  Server.prototype.learn = function (asked, time, origin) {
    last.set(this, origin);
    learn.call(this, asked, time, origin);
  };
  Object.defineProperty(Server.prototype, 'origin', {
    ...right,
    get(this: Server) {
      return last.get(this);
    },
  });
  return () => {
    Server.prototype.learn = learn;
    Object.defineProperty(Server.prototype, 'origin', right);
  };
}

/** Each with the labels that an entry must carry for it to show: who has met a label reads by script. */
export const mistakes: readonly (readonly [name: string, mistake: () => Undo, tags: readonly string[]])[] = [
  ['scripts that ask not where the state was written', trustEveryState, ['t']],
  ['reads that ask not who answers', trustEveryConnection, []],
];
