/** The clock of the machine, also where tests have put another one in its place: what is between processes lives by it. */
export const realTime: () => number = Date.now;
