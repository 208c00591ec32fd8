/** The entry of a measuring process: one job, one answer, and out, whatever timers a peer has left running. */
import type { Features } from './feature.ts';
import type { Job, Reply } from './job.ts';

process.once('message', (job: Job) => {
  if (job.kind === 'hit') hit(job).catch((error: unknown) => process.send?.({ error: String(error) }));
  else void answer(job).then((reply) => process.send?.(reply, () => process.exit(0)));
});

// Whoever asked is gone: nobody waits for the answer.
process.once('disconnect', () => process.exit(1));

/** Makes its hits as often as it is told, until whoever tells it is gone. */
async function hit(job: Extract<Job, { kind: 'hit' }>): Promise<void> {
  const { findWrap } = await import('./subject.ts');
  const { awaitOne } = await import('./loops.ts');
  const { hitIds } = await import('./growth.ts');
  const shelf = ((await findWrap(job, job.part, 1)) as Features['redisHit2'])();
  await Promise.all(hitIds.map((id) => shelf.put(id)));
  const run = awaitOne(shelf.get, hitIds);
  process.on('message', (laps: number) => {
    const done = Promise.resolve(run(laps));
    done.then(
      (sum) => process.send?.(sum),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.send?.(0);
}

async function answer(job: Exclude<Job, { kind: 'hit' }>): Promise<Reply> {
  try {
    return { result: await work(job) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function work(job: Exclude<Job, { kind: 'hit' }>): Promise<unknown> {
  switch (job.kind) {
    case 'import':
      return await timeImport(job.name);
    case 'memory': {
      const { measureEntries } = await import('./memory.ts');
      const { findWrap } = await import('./subject.ts');
      const wrap = (await findWrap(job, job.subject, 1)) as Features['memory'];
      return await measureEntries(wrap);
    }
    case 'time': {
      const { sampleRounds } = await import('./sample.ts');
      const { createLap } = await import('./subject.ts');
      if (job.crowded) await (await import('./crowd.ts')).useElsewhere();
      const laps = {
        limit: await createLap(job, 'limit', 1),
        again: await createLap(job, 'limit', 2),
        subject: await createLap(job, 'subject', 3),
      };
      return await sampleRounds(laps, job.options);
    }
  }
}

async function timeImport(name: string): Promise<number> {
  const started = performance.now();
  await import(name);
  return performance.now() - started;
}
