// The official `@google/genai`.
import { GoogleGenAI } from "@google/genai";
import { CITY, PIXEL, check, main, model } from "./cells.mjs";

const WEATHER = { functionDeclarations: [{ name: "get_weather", parametersJsonSchema: CITY }] };

function make(url) {
  const client = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: `${url}/genai` } });
  const ask = (provider, contents, config = {}) =>
    client.models.generateContent({
      model: model(provider, "gemini"),
      contents,
      config: { maxOutputTokens: 200, ...config },
    });

  return {
    async chat(provider) {
      const reply = await ask(provider, "Say hello");
      check(reply.text.includes("Say hello") && reply.usageMetadata.totalTokenCount > 0, reply);
    },
    async stream(provider) {
      let text = "";
      const asked = { model: model(provider, "gemini"), contents: "a b c d" };
      for await (const piece of await client.models.generateContentStream(asked)) text += piece.text ?? "";
      check(text.includes("a b c d"), text);
    },
    async tools(provider) {
      const question = { role: "user", parts: [{ text: "Weather in Oslo? [[mock:tools=1]]" }] };
      const toolConfig = { functionCallingConfig: { mode: "ANY" } };
      const reply = await ask(provider, [question], { tools: [WEATHER], toolConfig });
      const call = reply.functionCalls[0];
      check("city" in call.args, reply);
      const functionResponse = { id: call.id, name: call.name, response: { weather: "rainy" } };
      const history = [question, reply.candidates[0].content, { role: "user", parts: [{ functionResponse }] }];
      const final = await ask(provider, history, { tools: [WEATHER] });
      check(final.text.includes("rainy"), final);
    },
    async structured(provider) {
      const reply = await ask(provider, "where", { responseMimeType: "application/json", responseJsonSchema: CITY });
      check("city" in JSON.parse(reply.text), reply);
    },
    async vision(provider) {
      const image = { inlineData: { data: PIXEL, mimeType: "image/png" } };
      const reply = await ask(provider, [{ role: "user", parts: [image, { text: "What is this?" }] }]);
      check(reply.text.includes("What is this?"), reply);
    },
    async embeddings(provider) {
      const asked = { model: model(provider, "gemini", "embeddings"), contents: ["one", "two"] };
      const reply = await client.models.embedContent(asked);
      check(reply.embeddings.length === 2, reply);
    },
    async count(provider) {
      const counted = await client.models.countTokens({ model: model(provider, "gemini"), contents: "Say hello" });
      check(counted.totalTokens > 0, counted);
    },
  };
}

await main(make);
