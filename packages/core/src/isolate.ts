export function cloneValue(value: unknown): unknown {
  return structuredClone(value);
}
export function freezeValue(value: unknown): unknown {
  return Object.freeze(value);
}
