import { memoize } from '@reprise/core';
import correct from 'spdx-correct';

/**
 * The SPDX expression of a license field of a `package.json`: today's string, the object or the list of objects of old
 * manifests. Where there is none: npm's word `UNLICENSED` (no rights granted) is kept, a license that stands in a file
 * is `LicenseRef-` and the file's name, and what is absent or cannot be recognized is `NOASSERTION`.
 */
export function licenseOf(field: unknown): string {
  const alternatives = (Array.isArray(field) ? field : [field]).map(declaredLicense);
  return alternatives.length === 1
    ? normalizeLicense(alternatives[0] ?? '')
    : `(${alternatives.map((declared) => normalizeLicense(declared)).join(' OR ')})`;
}

/** Pure, and asked the same few questions hundreds of times: `memoize` keeps the answers in the function itself. */
export const normalizeLicense = memoize(function normalizeLicense(declared: string): string {
  const text = declared.trim();
  if (text === '') return 'NOASSERTION';
  if (/^unlicensed$/i.test(text)) return 'UNLICENSED';
  const elsewhere = /^see licen[cs]e (?:in )?(.+)$/i.exec(text)?.[1];
  if (elsewhere) return `LicenseRef-${elsewhere.replace(/[^\w.]+/g, '-').replaceAll('_', '-')}`;
  return correct(text) ?? 'NOASSERTION';
});

function declaredLicense(field: unknown): string {
  if (typeof field === 'string') return field;
  if (typeof field === 'object' && field !== null && 'type' in field) return String(field.type);
  return '';
}
