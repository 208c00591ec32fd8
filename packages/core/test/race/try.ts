import { findViolation } from './search.ts';
import { homeKinds } from './schedule.ts';
process.on('unhandledRejection', (e) => console.log('UNHANDLED', e));
import { Flights } from '../../src/flight.ts';
let n = 0;
if (process.env.FIXED) {
for (const m of ['open', 'openLoose']) { const o = Flights.prototype[m]; Flights.prototype[m] = function (f) { f.serial = ++n; const open = this.get(f.key); this.seen ??= []; this.seen.push(f); return o.call(this, f); }; }
Flights.prototype.supersede = function (kept) { for (const f of this.seen) if (f.key === kept.key && f.serial < kept.serial) f.voided = true; };
}
process.on('warning', () => {});
const [first, count, ...homes] = process.argv.slice(2);
for (const home of homes.length ? homes : homeKinds) {
  const t = performance.now();
  let from = Number(first); const end = from + Number(count); let shown = 0, hangs = 0;
  const laws = {};
  while (from < end && shown < 2) {
    const f = await findViolation({ first: from, count: end - from, homes: [home] });
    if (!f) break; if (f.report.includes('no answer')) { hangs++; from += f.after; continue; }
    console.log('==', home, f.after, f.report); shown++;
    from += f.after;
  }
  console.log(home, 'done', ((performance.now() - t) / Number(count)).toFixed(3), 'ms each', hangs, 'hangs');
}
