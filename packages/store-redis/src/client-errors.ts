/** The part of a client that tells of errors that no command has. */
interface Emitter {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
}

interface Ear {
  readonly listeners: Set<{ readonly failed: (error: unknown) => void }>;
  readonly hear: (error: unknown) => void;
}

/** One listener for each client, however many stores use it: from the eleventh on Node would warn. */
const ears = new WeakMap<Emitter, Ear>();

/** Hears of a client's errors, which without a listener might end the process; returns how to leave. */
export function listenToClient(client: Emitter, failed: (error: unknown) => void): () => void {
  const ear = ears.get(client) ?? attach(client);
  const member = { failed };
  ear.listeners.add(member);
  return () => {
    if (!ear.listeners.delete(member) || ear.listeners.size > 0) return;
    ears.delete(client);
    client.off('error', ear.hear);
  };
}

function attach(client: Emitter): Ear {
  const listeners: Ear['listeners'] = new Set();
  const hear = (error: unknown): void => {
    for (const { failed } of listeners) failed(error);
  };
  client.on('error', hear);
  const ear = { listeners, hear };
  ears.set(client, ear);
  return ear;
}
