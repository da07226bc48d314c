import { isToken } from "../otel/token.ts";
import {
  GEN_AI_AGENT_NAME,
  GEN_AI_CONVERSATION_ID,
  WAYBILL_AGENT_CONFIG_ID,
  WAYBILL_AGENT_VERSION,
} from "../semconv.ts";
import { namespaceOf, WRITTEN_NAMESPACES } from "../taken-namespaces.ts";

/** Identity's own names in namespaces that are otherwise taken. All of `user.*` and `session.*` is identity's too. */
const IDENTITY_NAMES: ReadonlySet<string> = new Set([
  GEN_AI_CONVERSATION_ID,
  GEN_AI_AGENT_NAME,
  WAYBILL_AGENT_VERSION,
  WAYBILL_AGENT_CONFIG_ID,
]);

/**
 * The other root namespaces of the semantic conventions, deprecated ones included, without `user` and `session`.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/
 */
const OTHER_NAMESPACES: ReadonlySet<string> = new Set(
  `android app artifact aspnetcore aws az azure browser cassandra cicd cloud cloudevents cloudfoundry container cpu
  cpython db deployment destination device disk dns dotnet elasticsearch enduser event faas feature_flag file gcp geo go
  graphql heroku host hw ios jsonrpc jvm k8s kafka linux log mainframe mcp message messaging net nfs nodejs oci onc_rpc
  openai openshift opentracing oracle oracle_cloud os peer pool pprof process profile rabbitmq rocketmq rpc
  security_rule signalr source state system test thread tls v8js vcs webengine zos`.split(/\s+/),
);

/**
 * Checks the baggage keys that an option lists. An accepted key becomes an attribute of its name: one in a namespace of
 * the semantic conventions would let a caller state what only the service itself can know, its routes and errors say.
 *
 * @param owner The function whose option this is, for the message.
 * @param option The option that lists the keys.
 * @throws TypeError naming the key in backticks, if it is in such a namespace and no name of the identity, or if it can
 * be no baggage key at all.
 */
export function checkBaggageKeys(owner: string, option: string, keys: readonly string[]): void {
  for (const key of keys) {
    if (!isToken(key)) {
      throw new TypeError(
        `${owner}: option \`${option}\` lists \`${key}\`, which can be no baggage key: spaces, quotes and separators are not allowed in one`,
      );
    }
    const namespace = namespaceOf(key);
    const isTaken = WRITTEN_NAMESPACES.has(namespace) || OTHER_NAMESPACES.has(namespace);
    if (isTaken && !IDENTITY_NAMES.has(key)) {
      throw new TypeError(
        `${owner}: option \`${option}\` must not list \`${key}\`: \`${namespace}.*\` belongs to the semantic conventions`,
      );
    }
  }
}
