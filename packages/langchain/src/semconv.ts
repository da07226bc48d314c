/** Attribute and event names that core's `semconv.ts` does not have, or does not export. */

export const GEN_AI_OPERATION_NAME = "gen_ai.operation.name";
export const GEN_AI_WORKFLOW_NAME = "gen_ai.workflow.name";
export const GEN_AI_TOOL_NAME = "gen_ai.tool.name";
export const GEN_AI_REQUEST_STREAM = "gen_ai.request.stream";
export const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk";

/** The graph's node that a span stands for, and the step of the graph in which it ran. */
export const WAYBILL_LANGGRAPH_NODE = "waybill.langgraph.node";
export const WAYBILL_LANGGRAPH_STEP = "waybill.langgraph.step";

/** The event of a graph that stopped to ask, and the id by which it is resumed. */
export const WAYBILL_LANGGRAPH_INTERRUPT = "waybill.langgraph.interrupt";
export const WAYBILL_LANGGRAPH_INTERRUPT_ID = "waybill.langgraph.interrupt.id";
