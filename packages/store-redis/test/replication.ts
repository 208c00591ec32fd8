import { type OwnRedisServer, startRedisServer, type TcpProxy, tcpProxy } from '@reprise/store-testkit';
import { Redis } from 'ioredis';
import { until } from './entries.ts';

/** Does something with a server of that port, past all clients of a test. */
export async function onPort<Result>(port: number, work: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(port, '127.0.0.1');
  client.on('error', () => {});
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Has a server save what it has, as soon as it is not at it already for the sake of a replica. */
export async function save(port: number): Promise<void> {
  await onPort(port, (client) =>
    until(() =>
      client.save().catch((error: Error) => {
        if (!error.message.includes('in progress')) throw error;
      }),
    ),
  );
}

/** Waits until a replica has all that its master has by now. */
export async function replicated(masterPort: number): Promise<void> {
  const written = await onPort(masterPort, (master) => master.info('replication'));
  const port = await onPort(masterPort, (master) =>
    until(async () => /port=(\d+),state=online/.exec(await master.info('replication'))?.[1]),
  );
  // Not by `WAIT`, which on later servers waits for what the same client has written.
  await onPort(Number(port), (replica) =>
    until(async () => offset(await replica.info('replication'), 'slave') >= offset(written, 'master')),
  );
}

function offset(told: string, whose: 'master' | 'slave'): number {
  return Number(new RegExp(`^${whose}_repl_offset:(\\d+)`, 'm').exec(told)?.[1] ?? Number.NaN);
}

/** From now on no replica hears of what is written there; nothing else is wrong with the master. */
export async function cutOffReplicas(masterPort: number): Promise<void> {
  await onPort(masterPort, async (master) => {
    await master.acl('SETUSER', 'default', '-psync', '-sync');
    await master.client('KILL', 'TYPE', 'replica');
    await until(async () => (await master.info('replication')).includes('connected_slaves:0'));
  });
}

/** Undoes {@link cutOffReplicas}; `SYNC`, by which a replica that was refused would try it next, and never acknowledge anything, stays forbidden. */
export async function admitReplicas(masterPort: number): Promise<void> {
  await onPort(masterPort, (master) => master.acl('SETUSER', 'default', '+psync'));
}

/** Makes a server follow another one, and waits until it has all that this one has. */
export async function follow(port: number, masterPort: number): Promise<void> {
  await onPort(port, (replica) => replica.replicaof('127.0.0.1', masterPort));
  await replicated(masterPort);
}

/** Makes a master of a replica. */
export async function promote(port: number): Promise<void> {
  await onPort(port, (replica) => replica.replicaof('NO', 'ONE'));
}

/** Two servers, and the address of whichever is the master. */
export interface Pair {
  readonly address: TcpProxy;
  readonly servers: readonly [OwnRedisServer, OwnRedisServer];
  stop(): Promise<void>;
}

export async function startPair(): Promise<Pair> {
  const servers = [await startRedisServer(), await startRedisServer()] as const;
  const address = await tcpProxy({ port: servers[0].port });
  return {
    address,
    servers,
    stop: async () => {
      await address.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** Both are empty, the second one follows the first, and the address leads to that. */
export async function beginPair(pair: Pair): Promise<readonly [master: OwnRedisServer, replica: OwnRedisServer]> {
  const [master, replica] = pair.servers;
  for (const server of pair.servers) {
    await server.restart();
    await onPort(server.port, (client) => client.flushall());
  }
  leadTo(pair, master);
  await follow(replica.port, master.port);
  return [master, replica];
}

/** As whoever operates it does who has the address lead to a new master. */
export function leadTo({ address }: Pair, { port }: OwnRedisServer): void {
  address.leadTo(port);
  address.reset();
}
