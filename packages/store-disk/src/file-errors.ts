/** There is no such file. */
export function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** `ENOENT` and the like. */
export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null | undefined)?.code;
}

/** An error of the operating system, which says nothing of the entry; not so one that cacache makes of bytes it has read. */
export function isSystemError(error: unknown): boolean {
  return typeof (error as { readonly syscall?: unknown } | null)?.syscall === 'string' && codeOf(error) !== 'EISDIR';
}
