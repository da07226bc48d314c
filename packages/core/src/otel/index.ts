export { AsyncLocalStorageContextManager } from "./async-local-storage-context-manager.ts";
export { IdentitySpanProcessor } from "./identity-span-processor.ts";
