/**
 * The attribute names that Waybill writes, all in one place.
 *
 * OpenTelemetry publishes no released constants for the GenAI conventions, so they are owned here:
 * GenAI semantic conventions (main at 2026-10-09, with the v1.41 names where readers still use them),
 * the stable HTTP conventions, and Waybill's own names under `waybill.*`.
 */

// Identity
export const USER_ID = "user.id";
export const SESSION_ID = "session.id";

// GenAI
export const GEN_AI_OPERATION_NAME = "gen_ai.operation.name";
export const GEN_AI_PROVIDER_NAME = "gen_ai.provider.name";
export const GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id";
export const GEN_AI_CONVERSATION_COMPACTED = "gen_ai.conversation.compacted";
export const GEN_AI_PROMPT_NAME = "gen_ai.prompt.name";
export const GEN_AI_PROMPT_VERSION = "gen_ai.prompt.version";
export const GEN_AI_AGENT_NAME = "gen_ai.agent.name";
export const GEN_AI_AGENT_DESCRIPTION = "gen_ai.agent.description";
export const GEN_AI_WORKFLOW_NAME = "gen_ai.workflow.name";
export const GEN_AI_OUTPUT_TYPE = "gen_ai.output.type";
export const GEN_AI_REQUEST_MODEL = "gen_ai.request.model";
export const GEN_AI_REQUEST_TEMPERATURE = "gen_ai.request.temperature";
export const GEN_AI_REQUEST_TOP_P = "gen_ai.request.top_p";
export const GEN_AI_REQUEST_TOP_K = "gen_ai.request.top_k";
export const GEN_AI_REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens";
export const GEN_AI_REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty";
export const GEN_AI_REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty";
export const GEN_AI_REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences";
export const GEN_AI_REQUEST_SEED = "gen_ai.request.seed";
export const GEN_AI_REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level";
export const GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID = "gen_ai.request.previous_response.id";
export const GEN_AI_REQUEST_STREAM = "gen_ai.request.stream";
export const GEN_AI_REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count";
export const GEN_AI_REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats";
export const GEN_AI_EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count";
export const GEN_AI_RESPONSE_ID = "gen_ai.response.id";
export const GEN_AI_RESPONSE_MODEL = "gen_ai.response.model";
export const GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons";
export const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk";
export const GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens";
export const GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
export const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens";
/** The v1.41 name: readers of today know it. Never written together with `cache_write`, which some would count twice. */
export const GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens";
export const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens";
/** Of the metrics only. */
export const GEN_AI_TOKEN_TYPE = "gen_ai.token.type";
export const GEN_AI_TOOL_NAME = "gen_ai.tool.name";
export const GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id";
export const GEN_AI_TOOL_TYPE = "gen_ai.tool.type";
export const GEN_AI_TOOL_DESCRIPTION = "gen_ai.tool.description";
export const GEN_AI_DATA_SOURCE_ID = "gen_ai.data_source.id";
export const GEN_AI_RETRIEVAL_TOP_K = "gen_ai.retrieval.top_k";
export const GEN_AI_MEMORY_STORE_ID = "gen_ai.memory.store.id";
export const GEN_AI_MEMORY_RECORD_ID = "gen_ai.memory.record.id";
export const GEN_AI_MEMORY_RECORD_COUNT = "gen_ai.memory.record.count";

// GenAI content, recorded only when the content policy allows it
export const GEN_AI_INPUT_MESSAGES = "gen_ai.input.messages";
export const GEN_AI_OUTPUT_MESSAGES = "gen_ai.output.messages";
export const GEN_AI_SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions";
export const GEN_AI_TOOL_DEFINITIONS = "gen_ai.tool.definitions";
export const GEN_AI_TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments";
export const GEN_AI_TOOL_CALL_RESULT = "gen_ai.tool.call.result";
export const GEN_AI_RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text";
export const GEN_AI_RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents";
export const GEN_AI_MEMORY_QUERY_TEXT = "gen_ai.memory.query.text";
export const GEN_AI_MEMORY_RECORDS = "gen_ai.memory.records";

// HTTP
export const HTTP_REQUEST_METHOD = "http.request.method";
export const HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original";
export const HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";
export const HTTP_ROUTE = "http.route";
export const URL_PATH = "url.path";
export const URL_QUERY = "url.query";
export const URL_SCHEME = "url.scheme";
export const SERVER_ADDRESS = "server.address";
export const SERVER_PORT = "server.port";
export const CLIENT_ADDRESS = "client.address";
export const NETWORK_PEER_ADDRESS = "network.peer.address";
export const NETWORK_PEER_PORT = "network.peer.port";
export const NETWORK_PROTOCOL_VERSION = "network.protocol.version";
export const USER_AGENT_ORIGINAL = "user_agent.original";

// Errors and code
export const ERROR_TYPE = "error.type";
export const EXCEPTION_EVENT = "exception";
export const EXCEPTION_TYPE = "exception.type";
export const EXCEPTION_MESSAGE = "exception.message";
export const EXCEPTION_STACKTRACE = "exception.stacktrace";
export const CODE_FUNCTION_NAME = "code.function.name";

// Waybill's own
export const WAYBILL_OUTCOME = "waybill.outcome";
export const WAYBILL_AGENT_VERSION = "waybill.agent.version";
export const WAYBILL_AGENT_CONFIG_ID = "waybill.agent.config_id";
export const WAYBILL_AGENT_TYPE = "waybill.agent.type";
export const WAYBILL_AGENT_TASK_LENGTH = "waybill.agent.task_length";
export const WAYBILL_AGENT_ITERATIONS = "waybill.agent.iterations";
export const WAYBILL_AGENT_STOP_REASON = "waybill.agent.stop_reason";
export const WAYBILL_ATTEMPT = "waybill.attempt";
export const WAYBILL_CONTENT_CONVERSATION = "waybill.content.conversation";
export const WAYBILL_CONTENT_FIRST_MESSAGE = "waybill.content.first_message";
export const WAYBILL_DECISION_TYPE = "waybill.decision.type";
export const WAYBILL_DECISION_OPTION_COUNT = "waybill.decision.option_count";
export const WAYBILL_DECISION_CHOSEN = "waybill.decision.chosen";
export const WAYBILL_ITERATION = "waybill.iteration";
export const WAYBILL_TOOL_INPUT_BYTES = "waybill.tool.input_bytes";
export const WAYBILL_TOOL_INPUT_KEYS = "waybill.tool.input_keys";
export const WAYBILL_TOOL_OUTPUT_BYTES = "waybill.tool.output_bytes";
export const WAYBILL_MEMORY_TYPE = "waybill.memory.type";
export const WAYBILL_USAGE_INPUT_TOKENS = "waybill.usage.input_tokens";
export const WAYBILL_USAGE_OUTPUT_TOKENS = "waybill.usage.output_tokens";

// Waybill's own content, recorded only when the content policy allows it
export const WAYBILL_DECISION_OPTIONS = "waybill.decision.options";
export const WAYBILL_DECISION_REASON = "waybill.decision.reason";
export const WAYBILL_FUNCTION_ARGUMENTS = "waybill.function.arguments";
export const WAYBILL_FUNCTION_RESULT = "waybill.function.result";
