// The SDK's client for Azure: paths below `/openai/deployments/`.
import assert from "node:assert/strict";

import OpenAI, { AzureOpenAI } from "openai";

import { ARGUMENTS, HELLO, TOOLS, USE_ALL_TOOLS, chunksOf, finishes, textOf, thrownBy } from "../asking.mjs";

function azure({ url, key }, more = {}) {
  return new AzureOpenAI({ endpoint: url, apiKey: key, apiVersion: "2024-10-21", maxRetries: 0, ...more });
}

export const cases = {
  async "azure chat"(on) {
    for (const model of ["chat", "vendor/chat", "node-tokens-3"]) {
      const answer = await azure(on).chat.completions.create({ model, messages: HELLO });
      assert.equal(answer.choices[0].finish_reason, "stop", model);
    }
  },

  async "azure fixed deployment"(on) {
    const client = azure(on, { deployment: "node-tokens-4" });
    const answer = await client.chat.completions.create({ model: "whatever", messages: HELLO });
    assert.deepEqual([answer.model, answer.usage.completion_tokens], ["sim-tokens-4", 4]);
    const arrival = (await on.arrivals("node-tokens-4")).at(-1);
    assert.deepEqual([arrival.path, arrival.query], ["/node/v1/chat/completions", ""]);
    assert.ok(!arrival.header_names.includes("api-key"));
  },

  async "azure stream"(on) {
    const ask = { model: "chat", messages: HELLO, stream: true, stream_options: { include_usage: true } };
    const chunks = await chunksOf(await azure(on).chat.completions.create(ask));
    assert.match(textOf(chunks), /^This answer is simulated by first:/);
    assert.deepEqual(finishes(chunks), ["stop"]);
    assert.ok(chunks.at(-1).usage.total_tokens > 0);
  },

  async "azure tools"(on) {
    const stream = azure(on).chat.completions.stream({ model: "chat", messages: USE_ALL_TOOLS, tools: TOOLS });
    const calls = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)), [ARGUMENTS, ARGUMENTS]);
  },

  async "azure everything that is no chat"(on) {
    const client = azure(on);
    const embedded = await client.embeddings.create({ model: "chat", input: "a" });
    assert.equal(embedded.data[0].embedding.length, 16);
    const completed = await client.completions.create({ model: "chat", prompt: "hi", max_tokens: 3 });
    assert.equal(completed.choices[0].finish_reason, "length");
    assert.ok((await client.moderations.create({ model: "chat", input: "simulate-flagged" })).results[0].flagged);
    assert.deepEqual((await client.models.list()).data.slice(0, 2).map((model) => model.id), ["chat", "vendor/chat"]);
    assert.equal((await client.models.retrieve("vendor/chat")).id, "vendor/chat");
  },

  async "azure errors"(on) {
    const classes = [
      ["node-invalid", OpenAI.BadRequestError],
      ["nothing", OpenAI.NotFoundError],
      ["node-429-retry-after-9-ok", OpenAI.RateLimitError],
      ["node-500-ok", OpenAI.InternalServerError],
    ];
    for (const [model, kind] of classes) {
      const error = await thrownBy(azure(on).chat.completions.create({ model, messages: HELLO }));
      assert.ok(error instanceof kind, `${model}: ${error.constructor.name}`);
    }
    const stranger = azure(on, { apiKey: "wrong" });
    const error = await thrownBy(stranger.chat.completions.create({ model: "chat", messages: HELLO }));
    assert.ok(error instanceof OpenAI.AuthenticationError);
  },
};
