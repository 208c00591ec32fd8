/** Where in a value a part stands, as people write it: `the value.a["b-c"][1]`. */
export function placeOf(path: readonly (string | number)[]): string {
  let place = 'the value';
  for (const part of path) {
    place +=
      typeof part === 'string' && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  }
  return place.length > 200 ? `${place.slice(0, 200)}…` : place;
}
