// Keys under which instrumentations put what people and models said to each other: OpenTelemetry's GenAI conventions old
// and new, OpenInference, OpenLLMetry, the Vercel AI SDK.

const EXACT = new Set(
  `gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.prompt gen_ai.completion
  gen_ai.event.content gen_ai.tool.definitions gen_ai.tool.call.arguments gen_ai.tool.call.result gen_ai.request.messages
  gen_ai.response.text gen_ai.evaluation.explanation gen_ai.retrieval.documents gen_ai.retrieval.query.text
  gen_ai.content.prompt gen_ai.content.completion input.value output.value llm.prompts llm.completions llm.prompt_template.variables
  traceloop.entity.input traceloop.entity.output ai.prompt ai.prompt.messages ai.prompt.tools ai.response.text
  ai.response.object ai.response.toolcalls ai.response.reasoning ai.toolcall.args ai.toolcall.result ai.value ai.values
  ai.embedding ai.embeddings mcp.tool.arguments mcp.tool.result tool.parameters message.content prompt completion content
  input.messages output.messages`.split(/\s+/),
);
const LISTED =
  /^(?:gen_ai\.(?:prompt|completion|input|output)\.\d+\.|llm\.(?:input_messages|output_messages|prompts|completions)\.\d+\.).*(?:content|arguments|text|prompt|completion|name)|^(?:retrieval|reranker)\.(?:input_|output_)?documents\.\d+\.document\.content$|^embedding\.embeddings\.\d+\.embedding\.text$/;

/** Whether the value under this key is what was said. */
export function isContentKey(key: string): boolean {
  const lower = key.slice(0, 256).toLowerCase();
  return EXACT.has(lower) || LISTED.test(lower);
}
