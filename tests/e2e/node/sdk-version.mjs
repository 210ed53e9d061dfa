// Prints the version of the OpenAI SDK that is installed here: proof that the set-up of the Node tests worked.
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "not-used", baseURL: "http://127.0.0.1:9/v1" });
const manifest = new URL("./node_modules/openai/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
console.log(typeof client.chat.completions.create === "function" ? version : "broken");
