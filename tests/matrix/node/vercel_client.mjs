// Vercel's `ai`, with its OpenAI provider (chat, and Responses, its default) and its Anthropic provider.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import {
  generateImage, generateSpeech, generateText, jsonSchema, Output, stepCountIs, streamText, tool, transcribe,
} from "ai";
import { CITY, PIXEL, VOICES, check, main, model } from "./cells.mjs";

const SETTINGS = { maxOutputTokens: 200, maxRetries: 0 };

function make(url) {
  const openai = createOpenAI({ baseURL: `${url}/openai/v1`, apiKey: "any" });
  const anthropic = createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey: "any" });
  const models = (provider) => ({
    chat: openai.chat(model(provider, "openai")),
    responses: openai(model(provider, "openai")),
    anthropic: anthropic(model(provider, "anthropic")),
  });
  const each = (work) => async (provider) => {
    for (const [name, one] of Object.entries(models(provider))) {
      try {
        await work(one);
      } catch (failed) {
        throw new Error(`${name}: ${failed.name}: ${failed.message}`);
      }
    }
  };

  return {
    chat: each(async (one) => {
      const reply = await generateText({ model: one, prompt: "Say hello", ...SETTINGS });
      check(reply.text.includes("Say hello") && reply.usage.outputTokens > 0, reply.text);
    }),
    stream: each(async (one) => {
      let text = "";
      for await (const piece of streamText({ model: one, prompt: "a b c d", ...SETTINGS }).textStream) text += piece;
      check(text.includes("a b c d"), text);
    }),
    tools: each(async (one) => {
      const asked = [];
      const get_weather = tool({
        description: "The weather in a city.",
        inputSchema: jsonSchema(CITY),
        execute: async ({ city }) => (asked.push(city), "rainy"),
      });
      const prompt = "Weather in Oslo? [[mock:tools=1]]";
      const reply = await generateText({
        model: one, prompt, tools: { get_weather }, stopWhen: stepCountIs(3), ...SETTINGS,
      });
      check(asked.length > 0 && reply.text.includes("rainy"), [asked, reply.text]);
    }),
    structured: each(async (one) => {
      const output = Output.object({ schema: jsonSchema(CITY) });
      const reply = await generateText({ model: one, prompt: "where", output, ...SETTINGS });
      check("city" in reply.output, reply.output);
    }),
    vision: each(async (one) => {
      const content = [
        { type: "image", image: `data:image/png;base64,${PIXEL}` },
        { type: "text", text: "What is this?" },
      ];
      const reply = await generateText({ model: one, messages: [{ role: "user", content }], ...SETTINGS });
      check(reply.text.includes("What is this?"), reply.text);
    }),
    embeddings: async (provider) => {
      const { embedMany } = await import("ai");
      const reply = await embedMany({
        model: openai.embeddingModel(model(provider, "openai", "embeddings")), values: ["one", "two"], maxRetries: 0,
      });
      check(reply.embeddings.length === 2, reply);
    },
    images: async (provider) => {
      const named = openai.imageModel(model(provider, "openai", "images"));
      const reply = await generateImage({ model: named, prompt: "a bridge", maxRetries: 0 });
      check(reply.image.uint8Array.length > 0, reply);
    },
    speech: async (provider) => {
      const named = openai.speechModel(model(provider, "openai", "speech"));
      const asked = { text: "Hello", voice: VOICES[provider], outputFormat: "pcm", maxRetries: 0 };
      const reply = await generateSpeech({ model: named, ...asked });
      check(reply.audio.uint8Array.length > 0, reply);
    },
    transcription: async (provider) => {
      const named = openai.transcriptionModel(model(provider, "openai", "transcription"));
      const audio = new Uint8Array(64).fill(82);
      audio.set([0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x41, 0x56, 0x45]);
      const reply = await transcribe({ model: named, audio, maxRetries: 0 });
      check(reply.text, reply);
    },
  };
}

await main(make);
