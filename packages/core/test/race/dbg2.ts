import { Model } from './model.ts';
import { play } from './player.ts';
import { makeSchedule } from './schedule.ts';
const [seed, home, keep] = process.argv.slice(2);
for (const n of ['ask','begin','end','invalidate','put','answered','seen','had']) {
  const o = Model.prototype[n];
  Model.prototype[n] = function (...a) { const r = o.apply(this, a);
    console.log(this.turn, n, n === 'ask' ? [r.at, r.verb, r.subject, r.parent?.value, r.besideRefresh && 'beside'] : n === 'begin' ? [r.value, 'for', r.ask.at, r.direct, r.began] : n === 'end' ? [a[0].value, String(a[1].value ?? a[1].error)] : n === 'answered' ? [a[0].at, a[0].subject, String(a[1].value ?? a[1].error)] : [String(a[0].subject ?? a[0]), a[1]]); return r; };
}
const s = makeSchedule(Number(seed), home);
const idx = keep?.split(',').map(Number);
try { await play({ ...s, steps: idx ? s.steps.filter((_, i) => idx.includes(i)) : s.steps }); } catch (e) { console.log(e.message); }
