/** Whether something is a promise, of whichever realm: under Jest those of `node:fs` are not `instanceof Promise`. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
