/** One caller of a run that others began. He is counted once: as soon as it is known as what. */
export class Seat {
  /** Whether he came before it was known whether the store has an answer: he is counted with it, unless there is a fallback. */
  readonly isEarly: boolean;
  isCounted = false;
  /** Whether the run does not concern him any more: he has his answer, has left, or runs the function for himself. */
  isDone = false;

  constructor(isEarly: boolean) {
    this.isEarly = isEarly;
  }
}
