import { Redis } from 'ioredis';
import { crc32 } from 'node:zlib';
import { decodeEnvelope, encodeEnvelope, defaultCodec } from '@reprise/store';
const n = Number(process.argv[2]);
const client = new Redis(7799, '127.0.0.1');
const text = 'x'.repeat(1000);
const prefix = 'v';
await client.set('v:mark', Buffer.from([1,0,0,0]));
const ids = Array.from({ length: 64 }, (_, i) => 'user:' + i);
const now = Date.now();
for (const id of ids) { const body = Buffer.from(`${id}\n1\n${JSON.stringify({ number: 1, text })}`); const head = Buffer.alloc(8); head.writeUInt32LE(1); head.writeUInt32LE(crc32(body), 4); await client.set(`v:${id}`, Buffer.concat([head, body]));
 await client.set(`e:${id}`, Buffer.from(encodeEnvelope(id, { value: { number: 1, text }, createdAt: now, expiresAt: now + 1e6, staleUntil: now + 1e6 }, defaultCodec))); }
function open(bytes, id, mark) { const body = bytes.subarray(8); const t = body.toString(); if (bytes.readUInt32LE() !== mark.readUInt32LE() || bytes.readUInt32LE(4) !== crc32(body) || !t.startsWith(`${id}\n`)) return NaN; return JSON.parse(t.slice(t.indexOf('{'))).number; }
function openE(bytes, id, mark) { if (mark === null) return NaN; return decodeEnvelope(bytes, id, defaultCodec).value.number; }
function shelf(mget, pre, openOne) {
  let asked = [];
  const read = async () => { const all = asked; asked = []; const [mark, ...found] = await mget('v:mark', ...all.map(({ id }) => `${pre}:${id}`)); for (const [i, { id, answer }] of all.entries()) answer(openOne(found[i], id, mark)); };
  return { get: (id) => new Promise((answer) => { asked.push({ id, answer }); if (asked.length === 1) process.nextTick(read); }) };
}
import { redisStore } from '@reprise/store-redis';
const store = redisStore({ client: new Redis(7799, '127.0.0.1'), prefix: 'p' + process.pid });
for (const id of ids) await store.set(id, { value: { number: 1, text }, createdAt: now, expiresAt: now + 1e6, staleUntil: now + 1e6 });
const shelves = {
  ours: { get: async (id) => (await store.get(id)).value.number },
  raw: { get: async (id) => (JSON.parse(await client.get(`r:${id}`))).number },
  hand: shelf((...a) => client.mgetBuffer(...a), 'v', open),
  call: shelf((...a) => client.callBuffer('MGET', ...a), 'v', open),
  env: shelf((...a) => client.mgetBuffer(...a), 'e', openE),
};
for (const id of ids) await client.set(`r:${id}`, JSON.stringify({ number: 1, text }));
async function lap(s) { const t = process.hrtime.bigint(); let sum = 0; if (n === 1) for (let k = 0; k < 5; k++) for (const id of ids) sum += await s.get(id); else for (let k = 0; k < 20; k++) for (const x of await Promise.all(ids.map((id) => s.get(id)))) sum += x; if (sum !== (n === 1 ? 320 : 1280)) throw new Error(sum); return Number(process.hrtime.bigint() - t) / 1e3 / (n === 1 ? 320 : 1280); }
const r = {};
for (let i = 0; i < 120; i++) for (const k in shelves) (r[k] ??= []).push(await lap(shelves[k]));
for (const k in r) console.log(k, r[k].slice(30).sort((a, b) => a - b)[45].toFixed(2), 'us');
process.exit(0);
