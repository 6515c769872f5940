// The official `openai` SDK for Node.
import OpenAI from "openai";
import { CITY, PIXEL, VOICES, check, main, model } from "./cells.mjs";

const WEATHER = { type: "function", function: { name: "get_weather", parameters: CITY } };

function make(url) {
  const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: "sk-any", maxRetries: 0 });
  const asked = (provider, content, more = {}) => ({
    model: model(provider, "openai"),
    messages: Array.isArray(content) ? content : [{ role: "user", content }],
    max_tokens: 200,
    ...more,
  });
  const ask = (...given) => client.chat.completions.create(asked(...given));

  return {
    async chat(provider) {
      const reply = await ask(provider, "Say hello");
      check(reply.choices[0].message.content.includes("Say hello") && reply.usage.total_tokens > 0, reply);
    },
    async stream(provider) {
      let text = "";
      for await (const chunk of await ask(provider, "a b c d", { stream: true }))
        text += chunk.choices[0]?.delta?.content ?? "";
      check(text.includes("a b c d"), text);
    },
    async tools(provider) {
      const question = { role: "user", content: "Weather in Oslo? [[mock:tools=1]]" };
      const { message } = (await ask(provider, [question], { tools: [WEATHER], tool_choice: "required" })).choices[0];
      const call = message.tool_calls[0];
      check("city" in JSON.parse(call.function.arguments), message);
      const answer = { role: "tool", tool_call_id: call.id, content: "rainy" };
      const final = await ask(provider, [question, message, answer], { tools: [WEATHER] });
      check(final.choices[0].message.content.includes("rainy"), final);
    },
    async structured(provider) {
      const response_format = { type: "json_schema", json_schema: { name: "place", schema: CITY, strict: true } };
      const reply = await ask(provider, "where", { response_format });
      check("city" in JSON.parse(reply.choices[0].message.content), reply);
    },
    async vision(provider) {
      const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
      const reply = await ask(provider, [{ role: "user", content: [image, { type: "text", text: "What is this?" }] }]);
      check(reply.choices[0].message.content.includes("What is this?"), reply);
    },
    async responses(provider) {
      const input = { model: model(provider, "openai"), input: "Say hello", max_output_tokens: 200 };
      const reply = await client.responses.create(input);
      check(reply.output_text.includes("Say hello"), reply);
      const final = await client.responses.stream(input).finalResponse();
      check(final.output_text.includes("Say hello"), final);
    },
    async embeddings(provider) {
      const reply = await client.embeddings.create({
        model: model(provider, "openai", "embeddings"),
        input: ["one", "two"],
      });
      check(reply.data.length === 2 && typeof reply.data[1].embedding[0] === "number", reply);
    },
    async count(provider) {
      const counted = await client.responses.inputTokens.count({ model: model(provider, "openai"), input: "Say hello" });
      check(counted.input_tokens > 0, counted);
    },
    async images(provider) {
      const reply = await client.images.generate({ model: model(provider, "openai", "images"), prompt: "a bridge" });
      check(reply.data[0].b64_json, reply);
    },
    async speech(provider) {
      const asked = { model: model(provider, "openai", "speech"), voice: VOICES[provider], input: "Hello" };
      const reply = await client.audio.speech.create(asked);
      check((await reply.arrayBuffer()).byteLength > 0, reply);
    },
    async transcription(provider) {
      const file = new File([new Uint8Array(64).fill(82)], "sound.wav", { type: "audio/wav" });
      const asked = { model: model(provider, "openai", "transcription"), file };
      const reply = await client.audio.transcriptions.create(asked);
      check(reply.text, reply);
    },
  };
}

await main(make);
