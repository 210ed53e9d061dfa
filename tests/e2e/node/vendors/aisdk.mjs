// The AI SDK with its default OpenAI provider, which speaks Responses.
import assert from "node:assert/strict";

import { createOpenAI } from "@ai-sdk/openai";
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

function tools(asked) {
  const execute = async ({ city }) => {
    asked.push(city);
    return { weather: "sunny" };
  };
  return { get_weather: tool({ description: "Tells the weather.", inputSchema: jsonSchema(SCHEMA), execute }) };
}

function model({ url, key }, name) {
  return createOpenAI({ baseURL: `${url}/v1`, apiKey: key })(name);
}

export const VENDORS = ["openai", "anthropic", "gemini", "bedrock", "cohere", "perplexity"];

export const cases = {
  async "AI SDK: text whole and streamed"(on, name) {
    const whole = await generateText({ model: model(on, name), prompt: "hello", maxRetries: 0 });
    assert.match(whole.text, new RegExp(`^This answer is simulated by ${name}:`));
    assert.deepEqual([whole.finishReason, whole.usage.inputTokens], ["stop", 5]);
    const stream = streamText({ model: model(on, name), prompt: "hello", maxRetries: 0 });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    assert.equal(text, whole.text);
    assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens);
  },

  async "AI SDK: tools run by it, whole and streamed"(on, name) {
    const asked = [];
    const ask = { prompt: "use the tool", tools: tools(asked), stopWhen: stepCountIs(3), maxRetries: 0 };
    const whole = await generateText({ model: model(on, name), ...ask });
    assert.match(whole.text, /1 tool result/);
    assert.equal(whole.steps.length, 2);
    const stream = streamText({ model: model(on, name), ...ask });
    assert.match(await stream.text, /1 tool result/);
    assert.deepEqual(asked, ["simulated", "simulated"]);
  },

  async "AI SDK: a conversation with tools goes on for turns"(on, name) {
    const asked = [];
    const ask = { tools: tools(asked), stopWhen: stepCountIs(3), maxRetries: 0 };
    const messages = [];
    for (const turn of [1, 2, 3]) {
      messages.push({ role: "user", content: "use the tool" });
      const answer = await generateText({ model: model(on, name), messages, ...ask });
      messages.push(...answer.responseMessages, { role: "user", content: "use the tool" });
      const stream = streamText({ model: model(on, name), messages, ...ask });
      assert.match(await stream.text, new RegExp(`${2 * turn} tool results`));
      messages.push(...(await stream.responseMessages));
    }
    assert.equal(asked.length, 6);
  },

  async "AI SDK: thoughts and tools go on in the next turn"(on, name) {
    const asked = [];
    const options = { openai: { forceReasoning: true, reasoningSummary: "auto" } };
    const ask = { tools: tools(asked), stopWhen: stepCountIs(3), maxRetries: 0, providerOptions: options };
    const thinking = model(on, `${name}--reasoning-3`);
    const messages = [{ role: "user", content: "use the tool" }];
    const first = await generateText({ model: thinking, messages, ...ask });
    messages.push(...first.responseMessages, { role: "user", content: "use the tool" });
    const second = await generateText({ model: thinking, messages, ...ask });
    assert.match(second.text, /2 tool results/);
  },

  async "AI SDK: nothing kept, tools and reasoning go on in the next turn"(on, name) {
    const asked = [];
    const include = ["reasoning.encrypted_content"];
    const options = { openai: { store: false, forceReasoning: true, reasoningSummary: "auto", include } };
    const ask = { tools: tools(asked), stopWhen: stepCountIs(3), maxRetries: 0, providerOptions: options };
    const thinking = model(on, `${name}--reasoning-3`);
    const messages = [{ role: "user", content: "use the tool" }];
    const first = await generateText({ model: thinking, messages, ...ask });
    messages.push(...first.responseMessages, { role: "user", content: "use the tool" });
    const second = await generateText({ model: thinking, messages, ...ask });
    assert.match(second.text, /2 tool results/);
  },

  async "AI SDK: structured output"(on, name) {
    const output = Output.object({ schema: jsonSchema(SCHEMA) });
    const answer = await generateText({ model: model(on, name), prompt: "hello", output, maxRetries: 0 });
    assert.deepEqual(answer.output, { city: "simulated" });
  },

  async "AI SDK: errors"(on, name) {
    const ask = (phrase) => generateText({ model: model(on, `${name}--${phrase}`), prompt: "hello", maxRetries: 0 });
    await assert.rejects(ask("invalid"), (error) => error.statusCode === 400);
    await assert.rejects(ask("rate-limit-retry-9"), (error) => error.statusCode === 429);
    const errors = [];
    const onError = ({ error }) => errors.push(error);
    const cut = model(on, `${name}--cut-after-3-rate-10`);
    await streamText({ model: cut, prompt: "hello", maxRetries: 0, onError }).consumeStream({ onError() {} });
    assert.equal(errors.length, 1);
  },
};
