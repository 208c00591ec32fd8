export {
  type ChaosControl,
  type ChaosFault,
  type ChaosOperation,
  type ChaosPlan,
  type ChaosRule,
  type ChaosStore,
  chaosStore,
} from './chaos-store.ts';
export { type CheckedStore, type CheckedStoreOptions, checkedStore } from './checked-store.ts';
export type { ConformanceCapabilities } from './conformance/capabilities.ts';
export type { ConformanceOptions, MakeStore } from './conformance/case.ts';
export { type ConformanceIt, storeConformance } from './conformance/suite.ts';
export { type ManualClock, manualClock } from './manual-clock.ts';
export { seededRandom } from './random.ts';
export { type OwnRedisCluster, startRedisCluster } from './redis-cluster.ts';
export { type OwnRedisSentinel, startRedisSentinel } from './redis-sentinel.ts';
export { hasRedisServer, type OwnRedisServer, startRedisServer } from './redis-server.ts';
export { type TcpProxy, type TcpProxyOptions, tcpProxy } from './tcp-proxy.ts';
