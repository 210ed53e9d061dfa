// Streams, their odd forms, and leaving them half-read.
import assert from "node:assert/strict";

import { ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, VOYAGE, chunksOf, finishes, textOf } from "../asking.mjs";

function open(client, model, more = {}) {
  return client.chat.completions.create({ model, messages: HELLO, stream: true, ...more });
}

async function checkLetGo(lastEnd, model) {
  const leftS = Date.now() / 1000;
  const request = await lastEnd(model);
  assert.equal(request.end, "client_gone");
  assert.ok(request.ended_at_s - leftS < 1.0, `closed ${request.ended_at_s - leftS} s later`);
}

export const cases = {
  async "stream"({ client }) {
    const whole = await client.chat.completions.create({ model: "chat", messages: HELLO });
    const chunks = await chunksOf(await open(client, "chat"));
    assert.equal(textOf(chunks), whole.choices[0].message.content);
    assert.deepEqual(finishes(chunks), ["stop"]);
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  },

  async "stream with usage"({ client }) {
    const chunks = await chunksOf(await open(client, "node-tokens-5", { stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.deepEqual([last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens], [5, 5, 10]);
    assert.ok(chunks.every((chunk) => !chunk.usage));
  },

  async "stream of several choices"({ client }) {
    const chunks = await chunksOf(await open(client, "chat", { n: 2 }));
    assert.deepEqual(finishes(chunks), ["stop", "stop"]);
    assert.equal(textOf(chunks, 1), `${textOf(chunks)} This is choice 2.`);
  },

  async "stream tells who answers"({ client }) {
    const { data, response } = await open(client, "node-backed-503-tokens-3").withResponse();
    assert.equal(response.headers.get("x-fairlead-trail"), "node=overloaded;second=ok");
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    assert.deepEqual(finishes(await chunksOf(data)), ["stop"]);
  },

  async "stream comes as it is made"({ client }) {
    const arrivedMs = [];
    for await (const chunk of await open(client, "node-rate-5-tokens-6")) {
      if (chunk.choices[0].delta.content) arrivedMs.push(Date.now());
    }
    assert.equal(arrivedMs.length, 6);
    const lastedMs = arrivedMs.at(-1) - arrivedMs[0];
    assert.ok(lastedMs > 500, `made in 1 s, arrived in ${lastedMs} ms`);
  },

  async "odd streams become clean ones"({ client }) {
    for (const oddity of ["crlf", "split-1", "pings-3-ping-gap-0.05", "broken-line", "no-done", "gzip"]) {
      const chunks = await chunksOf(await open(client, `node-${oddity}`));
      assert.match(textOf(chunks), /^This answer is simulated by node:/, oddity);
      assert.deepEqual(finishes(chunks), ["stop"], oddity);
    }
  },

  async "stream helper"({ client }) {
    const deltas = [];
    const stream = client.chat.completions.stream({ model: "chat", messages: HELLO });
    stream.on("content", (delta) => deltas.push(delta));
    const final = await stream.finalChatCompletion();
    assert.equal(deltas.join(""), final.choices[0].message.content);
    assert.equal(final.choices[0].finish_reason, "stop");
  },

  async "stream of parallel tool calls"({ client }) {
    const stream = client.chat.completions.stream({ model: "chat", messages: USE_ALL_TOOLS, tools: TOOLS });
    const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.deepEqual(message.tool_calls.map((call) => call.function.name), ["get_weather", "get_climate"]);
    for (const call of message.tool_calls) assert.deepEqual(JSON.parse(call.function.arguments), ARGUMENTS);
    const results = message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: CITY }));
    const messages = [...USE_ALL_TOOLS, message, ...results];
    assert.match(textOf(await chunksOf(await open(client, "chat", { messages, tools: TOOLS }))), /with 2 tool results/);
  },

  async "stream with tools run by the SDK"({ client }) {
    const heard = [];
    const tools = TOOLS.map(({ type, function: tool }) => ({
      type,
      function: { ...tool, parse: JSON.parse, function: (found) => heard.push(found) && CITY },
    }));
    const runner = client.chat.completions.runTools({ model: "chat", messages: USE_ALL_TOOLS, tools, stream: true });
    assert.match(await runner.finalContent(), /It came with 2 tool results\./);
    assert.deepEqual(heard, [ARGUMENTS, ARGUMENTS]);
  },

  async "stream of structured output"({ client }) {
    const stream = client.chat.completions.stream({ model: "chat", messages: HELLO, response_format: VOYAGE });
    assert.deepEqual((await stream.finalChatCompletion()).choices[0].message.parsed, ARGUMENTS);
  },

  async "large stream"({ client }) {
    assert.ok(textOf(await chunksOf(await open(client, "node-huge-3"))).length >= 3 * 1024 * 1024);
  },

  async "completions stream"({ client }) {
    const ask = { model: "chat", prompt: "hi", max_tokens: 5 };
    const whole = await client.completions.create(ask);
    const chunks = await chunksOf(await client.completions.create({ ...ask, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(""), whole.choices[0].text);
  },

  async "fifty streams at once"({ client }) {
    const ask = async (words) => {
      const messages = [{ role: "user", content: "word ".repeat(words) }];
      return textOf(await chunksOf(await open(client, "node-rate-200", { messages })));
    };
    const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
    const texts = await Promise.all(numbers.map(ask));
    for (const [index, text] of texts.entries()) assert.ok(text.includes(` had ${index + 1} word`), text);
  },

  async "breaking out of a stream closes the upstream"({ client, lastEnd }) {
    const model = "node-rate-20-tokens-400";
    for await (const chunk of await open(client, model)) {
      if (chunk.choices[0].delta.content) break;
    }
    await checkLetGo(lastEnd, model);
  },

  async "aborting a stream closes the upstream"({ client, lastEnd }) {
    const model = "node-rate-20-tokens-401";
    const stream = await open(client, model);
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) stream.controller.abort();
    }
    await checkLetGo(lastEnd, model);
  },

  async "aborting by a signal closes the upstream"({ client, lastEnd }) {
    const model = "node-rate-20-tokens-402";
    const leaving = new AbortController();
    const stream = await client.chat.completions.create(
      { model, messages: HELLO, stream: true },
      { signal: leaving.signal },
    );
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) leaving.abort();
    }
    await checkLetGo(lastEnd, model);
  },
};
