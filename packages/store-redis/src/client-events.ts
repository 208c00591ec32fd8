/** The part of a client that tells of what no command is told. */
interface Emitter {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'connect', listener: () => void): unknown;
}

interface Ear {
  readonly listeners: Set<{ readonly failed: (error: unknown) => void }>;
  readonly hear: (error: unknown) => void;
  readonly turnOver: () => void;
  turn: number;
}

/** One listener for each client, however many stores use it: from the eleventh on Node would warn. */
const ears = new WeakMap<Emitter, Ear>();
let turns = 0;

/**
 * Hears of a client's errors, which without a listener might end the process, and of its new connections; returns how to leave.
 */
export function listenToClient(client: Emitter, failed: (error: unknown) => void): () => void {
  const ear = ears.get(client) ?? attach(client);
  const member = { failed };
  ear.listeners.add(member);
  return () => {
    if (!ear.listeners.delete(member) || ear.listeners.size > 0) return;
    ears.delete(client);
    client.off('error', ear.hear);
    client.off('connect', ear.turnOver);
  };
}

/**
 * A number that changes with each new connection of a client, before anything is answered on it; `undefined` while nobody listens.
 * Both packages say `connect` before they send what is waiting: `redis` in the turn of the socket's own event, `ioredis` by `nextTick`.
 */
export function turnOf(client: Emitter): number | undefined {
  return ears.get(client)?.turn;
}

function attach(client: Emitter): Ear {
  const listeners: Ear['listeners'] = new Set();
  const ear: Ear = {
    listeners,
    hear: (error) => {
      for (const { failed } of listeners) failed(error);
    },
    turnOver: () => {
      ear.turn = ++turns;
    },
    turn: ++turns,
  };
  client.on('error', ear.hear);
  client.on('connect', ear.turnOver);
  ears.set(client, ear);
  return ear;
}
