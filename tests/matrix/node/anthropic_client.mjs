// The official `@anthropic-ai/sdk`.
import Anthropic from "@anthropic-ai/sdk";
import { CITY, PIXEL, check, main, model } from "./cells.mjs";

const WEATHER = { name: "get_weather", input_schema: CITY };

function make(url) {
  const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: "sk-any", maxRetries: 0 });
  const asked = (provider, content, more = {}) => ({
    model: model(provider, "anthropic"),
    messages: Array.isArray(content) ? content : [{ role: "user", content }],
    max_tokens: 200,
    ...more,
  });
  const ask = (...given) => client.messages.create(asked(...given));

  return {
    async chat(provider) {
      const reply = await ask(provider, "Say hello");
      check(reply.content[0].text.includes("Say hello") && reply.usage.output_tokens > 0, reply);
    },
    async stream(provider) {
      const final = await client.messages.stream(asked(provider, "a b c d")).finalMessage();
      check(final.content[0].text.includes("a b c d"), final);
    },
    async tools(provider) {
      const question = { role: "user", content: "Weather in Oslo? [[mock:tools=1]]" };
      const reply = await ask(provider, [question], { tools: [WEATHER], tool_choice: { type: "any" } });
      const call = reply.content.find((block) => block.type === "tool_use");
      check("city" in call.input, reply);
      const result = { type: "tool_result", tool_use_id: call.id, content: "rainy" };
      const history = [question, { role: "assistant", content: reply.content }, { role: "user", content: [result] }];
      const final = await ask(provider, history, { tools: [WEATHER] });
      check(final.content[0].text.includes("rainy"), final);
    },
    async structured(provider) {
      const output_config = { format: { type: "json_schema", schema: CITY } };
      const reply = await ask(provider, "where", { output_config });
      check("city" in JSON.parse(reply.content[0].text), reply);
    },
    async vision(provider) {
      const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
      const reply = await ask(provider, [{ role: "user", content: [image, { type: "text", text: "What is this?" }] }]);
      check(reply.content[0].text.includes("What is this?"), reply);
    },
    async count(provider) {
      const messages = [{ role: "user", content: "Say hello to all of us" }];
      const counted = await client.messages.countTokens({ model: model(provider, "anthropic"), messages });
      check(counted.input_tokens > 0, counted);
    },
  };
}

await main(make);
