import { memoryStore } from '@reprise/store-memory';
import { MemoryRecord } from '@reprise/store';
import { cached } from '@reprise/core';
import { writeHeapSnapshot } from 'node:v8';
const gc = (globalThis as any).gc;
const tick = () => new Promise((r) => setImmediate(r));
class Marker9 { a = 1; }
await (async () => { const f = cached((id: string) => new Marker9()); f('1'); })();
for (let i = 0; i < 30; i++) { await tick(); gc(); }
writeHeapSnapshot('/tmp/qa/h.heapsnapshot');
