"""``boto3``: Bedrock's runtime."""

import base64
import json

import boto3
from botocore.config import Config
from cells import CITY, PIXEL, check, main, model

WEATHER = {"toolSpec": {"name": "get_weather", "inputSchema": {"json": CITY}}}


def make(url):
    client, agents = (
        boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"{url}/bedrock",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"max_attempts": 0}),
        )
        for service in ("bedrock-runtime", "bedrock-agent-runtime")
    )

    def asked(provider, content, **more):
        messages = content if isinstance(content[0], dict) and "role" in content[0] else user(content)
        named = model(provider, "bedrock")
        return {"modelId": named, "messages": messages, "inferenceConfig": {"maxTokens": 200}, **more}

    def user(content):
        return [{"role": "user", "content": content}]

    def text_of(reply):
        return "".join(block.get("text", "") for block in reply["output"]["message"]["content"])

    def chat(provider):
        reply = client.converse(**asked(provider, [{"text": "Say hello"}]))
        check("Say hello" in text_of(reply) and reply["usage"]["totalTokens"] > 0, reply)

    def stream(provider):
        events = list(client.converse_stream(**asked(provider, [{"text": "a b c d"}]))["stream"])
        text = "".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events)
        check("a b c d" in text and any("metadata" in event for event in events), events)

    def tools(provider):
        question = user([{"text": "Weather in Oslo? [[mock:tools=1]]"}])
        config = {"tools": [WEATHER], "toolChoice": {"any": {}}}
        reply = client.converse(**asked(provider, question, toolConfig=config))
        message = reply["output"]["message"]
        call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
        check("city" in call["input"] and reply["stopReason"] == "tool_use", reply)
        result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "rainy"}]}}
        history = [*question, message, *user([result])]
        final = client.converse(**asked(provider, history, toolConfig={"tools": [WEATHER]}))
        check("rainy" in text_of(final), final)

    def vision(provider):
        image = {"image": {"format": "png", "source": {"bytes": base64.b64decode(PIXEL)}}}
        check("What is this?" in text_of(client.converse(**asked(provider, [image, {"text": "What is this?"}]))))

    def count(provider):
        said = {"converse": {"messages": user([{"text": "Say hello to all of us"}])}}
        check(client.count_tokens(modelId=model(provider, "bedrock"), input=said)["inputTokens"] > 0)

    def embeddings(provider):
        own = provider == "bedrock"
        named = "amazon.titan-embed-text-v2:0" if own else model(provider, "bedrock", "embeddings")
        reply = client.invoke_model(modelId=named, body=json.dumps({"inputText": "one"}))
        check(json.loads(reply["body"].read())["embedding"])

    def rerank(provider):
        model_of = {"modelConfiguration": {"modelArn": model(provider, "bedrock", "rerank")}, "numberOfResults": 1}
        texts = [{"type": "TEXT", "textDocument": {"text": text}} for text in ("two", "one")]
        reply = agents.rerank(
            queries=[{"type": "TEXT", "textQuery": {"text": "one"}}],
            sources=[{"type": "INLINE", "inlineDocumentSource": text} for text in texts],
            rerankingConfiguration={
                "type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": model_of,
            },
        )  # fmt: skip
        check(len(reply["results"]) == 1 and reply["results"][0]["relevanceScore"] is not None, reply)

    def images(provider):
        asked = {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a bridge"}}
        reply = client.invoke_model(modelId=model(provider, "bedrock", "images"), body=json.dumps(asked))
        check(json.loads(reply["body"].read())["images"])

    return {
        "chat": chat, "stream": stream, "tools": tools, "vision": vision, "count": count, "embeddings": embeddings,
        "rerank": rerank, "images": images,
    }  # fmt: skip


main(make)
