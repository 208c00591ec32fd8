export { cloneTrusted, cloneValue } from './isolate/clone-value.ts';
export { freezeValue } from './isolate/freeze-value.ts';
