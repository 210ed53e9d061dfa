// Anthropic's SDK for Node against `/v1/messages`, to Claude on its hosts and to models of other vendors.
import assert from "node:assert/strict";

import Anthropic from "@anthropic-ai/sdk";

const HELLO = [{ role: "user", content: "hello" }];
const WEATHER = {
  name: "get_weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const ASK = { max_tokens: 4096, messages: HELLO };

function claude({ url, key }) {
  return new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, timeout: 10_000 });
}

export const VENDORS = ["anthropic", "vertex-claude", "bedrock", "openai", "gemini", "cohere"];

export const cases = {
  async "messages whole and streamed say the same"(on, model) {
    const whole = await claude(on).messages.create({ model, ...ASK });
    const final = await claude(on).messages.stream({ model, ...ASK }).finalMessage();
    assert.match(whole.content[0].text, new RegExp(`^This answer is simulated by ${model}:`));
    assert.equal(final.content[0].text, whole.content[0].text);
    assert.deepEqual([final.stop_reason, final.usage.output_tokens], ["end_turn", whole.usage.output_tokens]);
    assert.ok(whole._request_id);
  },

  async "messages with tools and thoughts in two turns"(on, model) {
    const ask = { model, max_tokens: 4096, tools: [WEATHER], thinking: { type: "enabled", budget_tokens: 1024 } };
    const messages = [{ role: "user", content: "use the tool" }];
    const called = await claude(on).messages.stream({ ...ask, messages }).finalMessage();
    const call = called.content.find((block) => block.type === "tool_use");
    assert.deepEqual(call.input, { city: "simulated" });
    messages.push({ role: "assistant", content: called.content });
    messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] });
    const answered = await claude(on).messages.create({ ...ask, messages });
    assert.match(answered.content.at(-1).text, /1 tool result/);
  },

  async "messages: tokens and models"(on, model) {
    const counted = await claude(on).messages.countTokens({ model, messages: HELLO });
    assert.ok(counted.input_tokens > 0);
    const names = [];
    for await (const row of claude(on).models.list()) names.push(row.id);
    assert.ok(names.includes(model));
  },

  async "messages: errors are of their class"(on, model) {
    const ask = (phrase) => claude(on).messages.create({ ...ASK, model: `${model}--${phrase}` });
    await assert.rejects(ask("invalid"), Anthropic.BadRequestError);
    await assert.rejects(ask("overload"), Anthropic.InternalServerError);
    await assert.rejects(ask("rate-limit-retry-9"), Anthropic.RateLimitError);
    const stream = claude(on).messages.stream({ ...ASK, model: `${model}--cut-after-3-rate-10` });
    await assert.rejects(stream.finalMessage(), /ended its answer early/);
  },
};
