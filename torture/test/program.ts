import { bundleSources } from '../../scripts/test/bundle-sources.ts';

/** The worker on the sources of the packages, as one file. */
export const program: string = await bundleSources('torture', { file: 'src/worker.ts' });
