import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

/** A model in this process that asks for a tool, and answers once it has a result: for where no provider is needed. */
export class ToolCallingModel extends BaseChatModel {
  readonly #tool: string;

  constructor(toolName: string) {
    super({});
    this.#tool = toolName;
  }

  override _llmType(): string {
    return "fake";
  }

  override bindTools(): this {
    return this;
  }

  override async _generate(messages: BaseMessage[]) {
    const answered = messages.some((message) => ToolMessage.isInstance(message));
    const message = answered
      ? new AIMessage("Done.")
      : new AIMessage({
          content: "",
          tool_calls: [{ type: "tool_call", id: "call_1", name: this.#tool, args: {} }],
        });
    return { generations: [{ text: message.text, message }] };
  }
}
