/**
 * Whether the environment says that nothing is to be remembered: `REPRISE_DISABLED=1`. Asked when a cache is made or a function is
 * wrapped, so that no call has to.
 */
export function isDisabled(): boolean {
  const said = process.env['REPRISE_DISABLED'];
  return said !== undefined && said !== '' && said !== '0' && said !== 'false';
}
