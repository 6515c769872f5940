// What every client script shares; see clients/cells.py, whose protocol this speaks.
import { createInterface } from "node:readline";

export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const MODELS = {
  openai: {
    chat: "gpt-4o-mini",
    embeddings: "text-embedding-3-small",
    images: "gpt-image-1",
    speech: "tts-1",
    transcription: "whisper-1",
  },
  anthropic: { chat: "claude-sonnet-4-5" },
  gemini: {
    chat: "gemini-2.5-flash",
    embeddings: "gemini-embedding-001",
    images: "imagen-4.0-generate-001",
    speech: "gemini-2.5-flash-preview-tts",
    transcription: "gemini-2.5-flash",
  },
  bedrock: {
    chat: "amazon.nova-lite-v1:0",
    embeddings: "cohere.embed-multilingual-v3",
    rerank: "cohere.rerank-v3-5:0",
    images: "amazon.nova-canvas-v1:0",
  },
  cohere: { chat: "command-a-03-2025", embeddings: "embed-v4.0", rerank: "rerank-v3.5" },
  elevenlabs: { speech: "eleven_v3", transcription: "scribe_v1" },
  together: { rerank: "some-ranker" },
};
export const VOICES = { openai: "alloy", elevenlabs: "21m00Tcm4TlvDq8ikWAM", gemini: "Kore" };

export function model(provider, own, kind = "chat") {
  const name = MODELS[provider][kind];
  return provider === own ? name : `${provider}/${name}`;
}

export function check(holds, told) {
  if (!holds) throw new Error(`unexpected: ${JSON.stringify(told)?.slice(0, 400)}`);
}

export async function main(make) {
  const features = make(process.argv[2]);
  for await (const line of createInterface({ input: process.stdin })) {
    const [feature, provider] = line.split(" ");
    let error = "";
    try {
      await features[feature](provider);
    } catch (failed) {
      error = `${failed.name}: ${failed.message}`.slice(0, 600) || "failed";
    }
    console.log(JSON.stringify({ feature, provider, error }));
  }
}
