export { AsyncLocalStorageContextManager } from "./async-local-storage-context-manager.ts";
export { guardBaggage } from "./guard-baggage.ts";
export type { GuardBaggageOptions } from "./guard-baggage.ts";
export { IdentitySpanProcessor } from "./identity-span-processor.ts";
export { StrictW3CPropagator } from "./strict-w3c-propagator.ts";
