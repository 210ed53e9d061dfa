// Runs every case against a gateway and prints one line of JSON for each: {case, ok, detail}.
// Usage: node run.mjs GATEWAY_URL SIMULATOR_URL TEAM_KEY NARROW_KEY
import OpenAI from "openai";

import * as answers from "./cases/answers.mjs";
import * as azure from "./cases/azure.mjs";
import * as failures from "./cases/failures.mjs";
import * as streams from "./cases/streams.mjs";

const AT_ONCE = 4;
const LONGEST_MS = 15_000;

const [url, simulatorUrl, key, narrowKey] = process.argv.slice(2);

// The client has no retries of its own: the gateway's are enough, and cases count requests.
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 10_000 });

// What arrived at the simulator for a model, oldest first.
async function arrivals(model) {
  const phrase = model.replace(/^node-(hasty-|backed-)?/, "sim-");
  const query = new URLSearchParams({ provider: "node", model: phrase });
  const answer = await fetch(`${simulatorUrl}/_simulator/requests?${query}`);
  return (await answer.json()).requests;
}

// The last request that arrived for a model, once it has ended.
async function lastEnd(model) {
  for (const giveUp = Date.now() + 5000; Date.now() < giveUp; await new Promise((wake) => setTimeout(wake, 20))) {
    const last = (await arrivals(model)).at(-1);
    if (last?.end) return last;
  }
  throw new Error(`no request for ${model} has ended`);
}

async function inTime(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${LONGEST_MS} ms`)), LONGEST_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function tell([name, run]) {
  let detail = "";
  try {
    await inTime(run({ url, key, narrowKey, client, arrivals, lastEnd }));
  } catch (problem) {
    detail = String(problem?.stack ?? problem) || "failed";
  }
  console.log(JSON.stringify({ case: name, ok: detail === "", detail }));
}

const waiting = [answers, streams, failures, azure].flatMap(({ cases }) => Object.entries(cases));
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (waiting.length) await tell(waiting.shift());
  }),
);
