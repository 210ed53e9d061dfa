// Every kind of answer that is no stream.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import OpenAI from "openai";

import { ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, VOYAGE } from "../asking.mjs";

const PIXEL = "data:image/png;base64,iVBORw0KGgo=";

function callsOf(answer) {
  return answer.choices[0].message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
}

export const cases = {
  async "chat"({ client }) {
    const answer = await client.chat.completions.create({ model: "chat", messages: HELLO });
    assert.equal(answer.choices.length, 1);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.match(answer.choices[0].message.content, /^This answer is simulated by first:/);
    assert.equal(answer.usage.prompt_tokens, 5);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    assert.match(answer._request_id, /^req_simulated/);
  },

  async "base URL in several forms"({ url, key }) {
    for (const path of ["/v1", "/v1/", "", "/openai/v1"]) {
      const client = new OpenAI({ baseURL: url + path, apiKey: key, maxRetries: 0 });
      const answer = await client.chat.completions.create({ model: "chat", messages: HELLO });
      assert.equal(answer.choices[0].finish_reason, "stop", path);
      assert.equal((await client.models.retrieve("chat")).id, "chat", path);
    }
  },

  async "headers tell who answered"({ client }) {
    const { data, response } = await client.chat.completions.create({ model: "chat", messages: HELLO }).withResponse();
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.match(response.headers.get("x-fairlead-request-id"), /^req_[0-9a-f]{32}$/);
    assert.equal(response.headers.get("x-fairlead-provider"), "first");
    assert.equal(response.headers.get("x-fairlead-model"), "sim-ok");
    assert.equal(response.headers.get("x-fairlead-attempts"), "1");
    assert.equal(response.headers.get("x-fairlead-trail"), "first=ok");
  },

  async "failover"({ client }) {
    const { data, response } = await client.chat.completions
      .create({ model: "node-backed-429-retry-after-30", messages: HELLO })
      .withResponse();
    assert.match(data.choices[0].message.content, /simulated by second:/);
    assert.equal(response.headers.get("x-fairlead-trail"), "node=rate_limited;second=ok");
    assert.equal(response.headers.get("retry-after"), null);
  },

  async "several choices"({ client }) {
    const { choices } = await client.chat.completions.create({ model: "chat", messages: HELLO, n: 3 });
    assert.deepEqual(choices.map((choice) => choice.index), [0, 1, 2]);
    assert.equal(new Set(choices.map((choice) => choice.message.content)).size, 3);
  },

  async "fields pass both ways, unknown ones too"({ client, arrivals }) {
    const fields = { max_completion_tokens: 20, temperature: 0.2, seed: 7, x_new: { deep: [1, null, "☃"] } };
    const answer = await client.chat.completions.create({ model: "node-reasoning-3", messages: HELLO, ...fields });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.choices[0].message.reasoning_content, " one two three");
    const sent = JSON.parse((await arrivals("node-reasoning-3")).at(-1).body);
    assert.deepEqual(sent, { model: "sim-reasoning-3", messages: HELLO, ...fields });
  },

  async "only headers of the allow-list reach the upstream"({ url, key, arrivals }) {
    const client = new OpenAI({
      baseURL: `${url}/v1`,
      apiKey: key,
      organization: "org-of-the-client",
      project: "project-of-the-client",
      defaultHeaders: { "x-custom": "1", cookie: "a=b" },
      defaultQuery: { shard: "7" },
      maxRetries: 0,
    });
    const headers = { "Idempotency-Key": "once-1" };
    await client.chat.completions.create({ model: "node-tokens-2", messages: HELLO }, { headers });
    const arrival = (await arrivals("node-tokens-2")).at(-1);
    assert.equal(arrival.headers["idempotency-key"], "once-1");
    assert.equal(arrival.headers["accept-encoding"], "identity");
    assert.equal(arrival.query, "");
    assert.deepEqual([...arrival.header_names].sort(), [
      "accept",
      "accept-encoding",
      "authorization",
      "content-length",
      "content-type",
      "host",
      "idempotency-key",
      "user-agent",
    ]);
  },

  async "long text that is no ASCII"({ client }) {
    const text = 'Ἡ ναῦς ἔπλει· 船が港を出た。 🛳️ naïve \u2028 \\ " \x7f '.repeat(10_000);
    const answer = await client.chat.completions.create({ model: "chat", messages: [{ role: "user", content: text }] });
    const digest = createHash("sha256").update(text, "utf8").digest("hex").slice(0, 8);
    assert.ok(answer.choices[0].message.content.includes(`digest ${digest}.`));
  },

  async "tool call and its result"({ client }) {
    const messages = [{ role: "user", content: "use get_climate" }];
    const first = await client.chat.completions.create({ model: "chat", messages, tools: TOOLS });
    assert.equal(first.choices[0].finish_reason, "tool_calls");
    assert.deepEqual(callsOf(first), [["get_climate", ARGUMENTS]]);
    const { message } = first.choices[0];
    messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: CITY });
    const second = await client.chat.completions.create({ model: "chat", messages, tools: TOOLS });
    assert.equal(second.choices[0].finish_reason, "stop");
    assert.match(second.choices[0].message.content, /It came with 1 tool result\./);
  },

  async "parallel tool calls"({ client }) {
    const ask = { model: "chat", messages: USE_ALL_TOOLS, tools: TOOLS };
    const both = await client.chat.completions.create(ask);
    assert.deepEqual(callsOf(both), [["get_weather", ARGUMENTS], ["get_climate", ARGUMENTS]]);
    const one = await client.chat.completions.create({ ...ask, parallel_tool_calls: false });
    assert.deepEqual(callsOf(one), [["get_weather", ARGUMENTS]]);
    const none = await client.chat.completions.create({ ...ask, tool_choice: "none" });
    assert.equal(none.choices[0].message.tool_calls ?? null, null);
  },

  async "tools run by the SDK"({ client }) {
    const heard = [];
    const tools = TOOLS.map(({ type, function: tool }) => ({
      type,
      function: { ...tool, parse: JSON.parse, function: (found) => heard.push(found) && CITY },
    }));
    const runner = client.chat.completions.runTools({ model: "chat", messages: USE_ALL_TOOLS, tools });
    assert.match(await runner.finalContent(), /It came with 2 tool results\./);
    assert.deepEqual(heard, [ARGUMENTS, ARGUMENTS]);
  },

  async "structured output"({ client }) {
    const ask = { model: "chat", messages: HELLO };
    const answer = await client.chat.completions.parse({ ...ask, response_format: VOYAGE });
    assert.deepEqual(answer.choices[0].message.parsed, ARGUMENTS);
    const json = await client.chat.completions.create({ ...ask, response_format: { type: "json_object" } });
    assert.deepEqual(JSON.parse(json.choices[0].message.content), { simulated: true });
  },

  async "parts that are no text"({ client }) {
    const parts = [
      [{ type: "image_url", image_url: { url: PIXEL, detail: "low" } }, "an image of type image/png"],
      [{ type: "image_url", image_url: { url: "https://example.invalid/a.png" } }, "an image by its address"],
      [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }, "audio"],
    ];
    for (const [part, mentioned] of parts) {
      const content = [{ type: "text", text: "what is this?" }, part];
      const answer = await client.chat.completions.create({ model: "chat", messages: [{ role: "user", content }] });
      assert.ok(answer.choices[0].message.content.includes(`It held ${mentioned}.`), mentioned);
    }
  },

  async "large answer"({ client }) {
    const answer = await client.chat.completions.create({ model: "node-huge-3", messages: HELLO });
    assert.ok(answer.choices[0].message.content.length >= 3 * 1024 * 1024);
  },

  async "embeddings"({ client, arrivals }) {
    const ask = { model: "node-ok", input: ["a", "b ☃"], dimensions: 8 };
    const byDefault = await client.embeddings.create(ask);
    assert.equal(JSON.parse((await arrivals("node-ok")).at(-1).body).encoding_format, "base64");
    const floats = await client.embeddings.create({ ...ask, encoding_format: "float" });
    assert.deepEqual(byDefault.data.map((row) => row.embedding.length), [8, 8]);
    for (const [row, { embedding }] of byDefault.data.entries()) {
      for (const [place, value] of embedding.entries()) {
        assert.ok(Math.abs(value - floats.data[row].embedding[place]) < 1e-6);
      }
    }
  },

  async "moderations"({ client }) {
    const answer = await client.moderations.create({ model: "chat", input: ["fine", "simulate-flagged"] });
    assert.deepEqual(answer.results.map((result) => result.flagged), [false, true]);
  },

  async "completions"({ client }) {
    const answer = await client.completions.create({ model: "chat", prompt: ["one", "two"], max_tokens: 4 });
    assert.deepEqual(answer.choices.map((choice) => choice.finish_reason), ["length", "length"]);
    assert.equal(answer.usage.completion_tokens, 8);
  },

  async "models"({ client, narrowKey }) {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.deepEqual(names.slice(0, 2), ["chat", "vendor/chat"]);
    assert.equal((await client.models.retrieve("vendor/chat")).id, "vendor/chat");
    const narrow = client.withOptions({ apiKey: narrowKey });
    assert.deepEqual((await narrow.models.list()).data.map((model) => model.id), ["chat", "vendor/chat"]);
  },
};
