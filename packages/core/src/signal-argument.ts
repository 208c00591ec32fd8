export function withoutSignal(args: readonly unknown[], signal: AbortSignal): readonly unknown[] {
  const left = args.map((a) => (a === signal ? undefined : a));
  while (left.length > 0 && args[left.length - 1] === signal) left.pop();
  return left;
}
export function withSignal(args: readonly unknown[], signal: AbortSignal, other: AbortSignal): readonly unknown[] {
  return args.map((a) => (a === signal ? other : a));
}
