import { cached, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { tieredStore } from '@reprise/store-tiered';
function far() { const store = memoryStore(); return { name:'far', sync:false, persistent:true, capabilities:{tracking:true},
  get: async k=>store.get(k), set: async(k,e)=>store.set(k,e), delete: async k=>store.delete(k), clear: async p=>store.clear(p), close: async()=>{}, 
  track(t){t.trusted(true); return ()=>{}} }; }
const mem = cached(async (id)=>id.length, { ttl:'1h', maxSize: 10_000, name:'a' });
const shared = createCache({name:'sh', ttl:'1h'});
const sh = cached(async (id)=>id.length, {cache: shared, name:'b'});
const tier = cached(async (id)=>id.length, { store: tieredStore(memoryStore(), far()), ttl:'1h', name:'c' });
const ids = Array.from({length:100}, (_,i)=>'id'+i);
for (const f of [mem, sh, tier]) { for (const id of ids) await f(id); for (const id of ids) await f(id); for (const id of ids) await f(id);}
console.log(await tier.inspect('id1'));
async function loop(f,n=300){ const t=performance.now(); for(let i=0;i<n;i++) for (const id of ids) await f(id); return (performance.now()-t)/n/100*1e6; }
async function sloop(f,n=300){ const t=performance.now(); let x; for(let i=0;i<n;i++) for (const id of ids) x=f(id); const r=(performance.now()-t)/n/100*1e6; await x; return r; }
const res={mem:[],sh:[],tier:[],smem:[],ssh:[],stier:[]};
for (let r=0;r<25;r++){ for (const [n,f] of [['mem',mem],['sh',sh],['tier',tier]]) { res[n].push(await loop(f)); res['s'+n].push(await sloop(f)); } }
for (const k in res) console.log(k, res[k].sort((a,b)=>a-b)[12].toFixed(0),'ns');
