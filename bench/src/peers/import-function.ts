/**
 * The function that a peer exports by default. Peers are imported when their row runs, in their own process; the
 * CommonJS ones among them may have it one level deeper.
 */
export async function importFunction<Fn>(peer: Promise<unknown>): Promise<Fn> {
  let found = await peer;
  while (typeof found === 'object' && found !== null && 'default' in found) found = found.default;
  return found as Fn;
}
