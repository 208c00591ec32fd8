/**
 * How calls treat what is cached, in the words of Fetch:
 *
 *   default         as the options say
 *   no-store        neither read, nor stored, nor joined
 *   reload          run anew and store
 *   no-cache        the same, but a run under way is joined
 *   force-cache     fresh or stale, else run
 *   only-if-cached  fresh or stale, else a `RepriseError` with `E_NOT_CACHED`
 */
export type CacheMode = 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached';
