/** What a program says of itself, checked while it runs. */
export class Claims {
  #failed = 0;

  /** How many claims did not hold. */
  get failed(): number {
    return this.#failed;
  }

  /** Prints a claim and whether it holds. */
  check(claim: string, holds: boolean): void {
    console.log(`  ${holds ? 'ok    ' : 'FAILED'} ${claim}`);
    if (!holds) this.#failed += 1;
  }
}
