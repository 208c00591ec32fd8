/** The entry of a measuring process: one job, one answer, and out, whatever timers a peer has left running. */
import type { Features } from './feature.ts';
import type { Job, Reply } from './job.ts';

process.once('message', (job: Job) => {
  void answer(job).then((reply) => process.send?.(reply, () => process.exit(0)));
});

// Whoever asked is gone: nobody waits for the answer.
process.once('disconnect', () => process.exit(1));

async function answer(job: Job): Promise<Reply> {
  try {
    return { result: await work(job) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function work(job: Job): Promise<unknown> {
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
