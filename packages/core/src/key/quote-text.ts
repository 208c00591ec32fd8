/** Longer strings are quoted faster by the engine itself. */
const longest = 48;

/** A string as `JSON.stringify` quotes it, lone surrogates escaped: different strings differ. */
export function quoteText(text: string): string {
  if (text.length > longest) return JSON.stringify(text);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Controls, quote, backslash, surrogates.
    if (code < 0x20 || code === 0x22 || code === 0x5c || (code >= 0xd800 && code <= 0xdfff)) {
      return JSON.stringify(text);
    }
  }
  return `"${text}"`;
}
