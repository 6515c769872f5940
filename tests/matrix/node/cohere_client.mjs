// The official `cohere-ai`.
import { CohereClientV2 } from "cohere-ai";
import { CITY, check, main, model } from "./cells.mjs";

const WEATHER = { type: "function", function: { name: "get_weather", description: "Weather.", parameters: CITY } };

function make(url) {
  const client = new CohereClientV2({ environment: `${url}/cohere`, token: "any", maxRetries: 0 });
  const asked = (provider, content, more = {}) => ({
    model: model(provider, "cohere"),
    messages: Array.isArray(content) ? content : [{ role: "user", content }],
    maxTokens: 200,
    ...more,
  });
  const text = (reply) => reply.message.content.map((part) => part.text ?? "").join("");

  return {
    async chat(provider) {
      const reply = await client.chat(asked(provider, "Say hello"));
      check(text(reply).includes("Say hello"), reply);
    },
    async stream(provider) {
      let told = "";
      for await (const event of await client.chatStream(asked(provider, "a b c d")))
        if (event.type === "content-delta") told += event.delta.message.content.text ?? "";
      check(told.includes("a b c d"), told);
    },
    async tools(provider) {
      const question = { role: "user", content: "Weather in Oslo? [[mock:tools=1]]" };
      const { message } = await client.chat(asked(provider, [question], { tools: [WEATHER], toolChoice: "REQUIRED" }));
      const call = message.toolCalls[0];
      check("city" in JSON.parse(call.function.arguments), message);
      const answer = { role: "tool", toolCallId: call.id, content: "rainy" };
      const final = await client.chat(asked(provider, [question, message, answer], { tools: [WEATHER] }));
      check(text(final).includes("rainy"), final);
    },
    async structured(provider) {
      const responseFormat = { type: "json_object", jsonSchema: CITY };
      const reply = await client.chat(asked(provider, "where", { responseFormat }));
      check("city" in JSON.parse(text(reply)), reply);
    },
    async embeddings(provider) {
      const reply = await client.embed({
        model: model(provider, "cohere", "embeddings"), texts: ["one", "two"], inputType: "search_document",
        embeddingTypes: ["float"],
      });
      check(reply.embeddings.float.length === 2, reply);
    },
    async rerank(provider) {
      const reply = await client.rerank({
        model: model(provider, "cohere", "rerank"), query: "one", documents: ["two", "one"],
      });
      check(reply.results.length === 2, reply);
    },
  };
}

await main(make);
