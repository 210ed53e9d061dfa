// What the cases ask for, and how they put a stream together again.

export const HELLO = [{ role: "user", content: "hello" }];
export const USE_ALL_TOOLS = [{ role: "user", content: "use all tools" }];

// One value that is no ASCII, so that answers hold some.
export const CITY = "Zürich ☃ 東京 🛳";
export const ARGUMENTS = { city: CITY, days: 1 };
const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string", enum: [CITY] }, days: { type: "integer", minimum: 1 } },
  required: ["city", "days"],
  additionalProperties: false,
};
export const TOOLS = ["get_weather", "get_climate"].map((name) => ({
  type: "function",
  function: { name, parameters: PARAMETERS, strict: true },
}));
export const VOYAGE = {
  type: "json_schema",
  json_schema: { name: "voyage", strict: true, schema: PARAMETERS },
};

export async function chunksOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

// All that one choice of a stream said.
export function textOf(chunks, index = 0) {
  const parts = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
  return parts.map((choice) => choice.delta.content ?? "").join("");
}

export function finishes(chunks) {
  return chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.finish_reason)).filter(Boolean);
}

// What a promise is rejected with.
export async function thrownBy(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
