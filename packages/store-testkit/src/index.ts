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
export { hasRedisServer, type OwnRedisServer, startRedisCluster, startRedisServer } from './redis-server.ts';
