import { redisShelf, rawRedisShelf, bareRedisShelf } from './dist/redis.js';
const n = Number(process.argv[2]), which = process.argv[3];
const { peer } = await import('./dist/peers/by-hand.js'); const shelves = { ours: redisShelf(), raw: rawRedisShelf(), bare: bareRedisShelf(), hand: peer.features.redisHit() };
const ids = Array.from({ length: 64 }, (_, i) => 'user:' + i);
for (const s of Object.values(shelves)) for (const id of ids) await s.put(id, 1);
async function lap(s) { const t = process.hrtime.bigint(); if (n === 1) for (let k = 0; k < 5; k++) for (const id of ids) await s.get(id); else for (let k = 0; k < 20; k++) await Promise.all(ids.map((id) => s.get(id))); return Number(process.hrtime.bigint() - t) / 1e3 / (n === 1 ? 320 : 1280); }
const r = {};
for (let i = 0; i < 100; i++) for (const k in shelves) if (!which || k === which) (r[k] ??= []).push(await lap(shelves[k]));
for (const k in r) console.log(k, r[k].slice(30).sort((a, b) => a - b)[35].toFixed(2), 'us');
process.exit(0);
