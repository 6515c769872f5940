"""What a user of boto3's ``bedrock-runtime`` does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``."""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:eu-north-1:123456789012:application-inference-profile/abc123"
MODELS = (
    CLAUDE,
    PROFILE,
    "amazon.nova-lite-v1:0",
    "openai/gpt-4o",
    "anthropic/claude-sonnet-4-5",
    "acme/some-model",
    "gemini/gemini-2.5-flash",
    "cohere/command-a",
)
WEATHER = {
    "toolSpec": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
}


def client(url, prefix="/bedrock", attempts=1):
    return boto3.client(
        "bedrock-runtime", endpoint_url=url + prefix, region_name="us-east-1", aws_access_key_id="AKIAANYTHING",
        aws_secret_access_key="anything", config=Config(retries={"max_attempts": attempts, "mode": "standard"}),
    )  # fmt: skip


def user(*blocks):
    return [{"role": "user", "content": [{"text": one} if isinstance(one, str) else one for one in blocks]}]


def text_of(reply):
    return "".join(block.get("text", "") for block in reply["output"]["message"]["content"])


def gathered(stream):
    """The reply that a stream's events make."""
    blocks, reply, order = {}, {}, []
    for event in stream:
        ((name, told),) = event.items()
        order.append(name)
        block = blocks.setdefault(told["contentBlockIndex"], {}) if "contentBlockIndex" in told else {}
        if name == "contentBlockStart":
            block.update(json.loads(json.dumps(told["start"])))
        elif name == "contentBlockDelta":
            delta = told["delta"]
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            if "toolUse" in delta:
                block["toolUse"]["input"] = block["toolUse"].get("input", "") + delta["toolUse"]["input"]
            if "reasoningContent" in delta:
                inner = block.setdefault("reasoningContent", {})
                for key, value in delta["reasoningContent"].items():
                    inner[key] = inner[key] + value if key in inner else value
        elif name in ("messageStop", "metadata"):
            reply.update(told)
    assert order[0] == "messageStart" and order[-2:] == ["messageStop", "metadata"], order
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return [blocks[n] for n in sorted(blocks)], reply


def converse(url):
    for model in MODELS:
        reply = client(url).converse(
            modelId=model, messages=user("Say hello"), system=[{"text": "Be brief."}],
            inferenceConfig={"maxTokens": 50, "temperature": 0.5, "stopSequences": ["END"]},
        )  # fmt: skip
        assert "Say hello" in text_of(reply), (model, reply)
        assert reply["stopReason"] == "end_turn"
        usage = reply["usage"]
        assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 0
        assert "latencyMs" in reply["metrics"]
        assert reply["ResponseMetadata"]["RequestId"].startswith("req_")


def stream(url):
    for model in MODELS:
        events = client(url).converse_stream(modelId=model, messages=user("one two three four"))["stream"]
        blocks, reply = gathered(events)
        assert blocks == [{"text": "echo: one two three four"}], (model, blocks)
        assert reply["stopReason"] == "end_turn" and reply["usage"]["outputTokens"] == 5, (model, reply)


def tools(url):
    for model in MODELS:
        asked = dict(
            modelId=model, messages=user("Oslo and Rome? [[mock:tools=2]]"),
            toolConfig={"tools": [WEATHER], "toolChoice": {"any": {}}},
        )  # fmt: skip
        reply = client(url).converse(**asked)
        streamed, end = gathered(client(url).converse_stream(**asked)["stream"])
        for blocks, stop in (
            (reply["output"]["message"]["content"], reply["stopReason"]),
            (streamed, end["stopReason"]),
        ):
            calls = [block["toolUse"] for block in blocks if "toolUse" in block]
            assert len(calls) == 2 and stop == "tool_use", (model, blocks)
            assert all(call["name"] == "get_weather" and isinstance(call["input"], dict) for call in calls)
            assert len({call["toolUseId"] for call in calls}) == 2
        calls = [block["toolUse"] for block in reply["output"]["message"]["content"] if "toolUse" in block]
        results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "sunny"}]}} for call in calls]
        results[0]["toolResult"]["content"] = [{"json": {"sky": "sunny"}}]
        history = [*asked["messages"], reply["output"]["message"], {"role": "user", "content": results}]
        final = client(url).converse(modelId=model, messages=history, toolConfig={"tools": [WEATHER]})
        assert "sunny" in text_of(final), (model, final)


def vision(url):
    image = {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    document = {"document": {"format": "pdf", "name": "saga", "source": {"bytes": b"%PDF-1.4"}}}
    for model in MODELS:
        reply = client(url).converse(modelId=model, messages=user(image, "What is this?"))
        assert "What is this?" in text_of(reply), (model, reply)
    for model in (CLAUDE, "anthropic/claude-sonnet-4-5", "openai/gpt-4o"):
        reply = client(url).converse(modelId=model, messages=user(document, "Sum it up."))
        assert "Sum it up." in text_of(reply), (model, reply)


def thinking(url):
    for model in (CLAUDE, "anthropic/claude-sonnet-4-5"):
        asked = dict(
            modelId=model, messages=user("Think! [[mock:thinking=I wonder]]"), inferenceConfig={"maxTokens": 2000},
            additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 1024}},
        )  # fmt: skip
        reply = client(url).converse(**asked)
        thought = reply["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
        assert thought["text"] == "I wonder" and thought["signature"], reply
        blocks, _ = gathered(client(url).converse_stream(**asked)["stream"])
        assert blocks[0]["reasoningContent"]["text"] == "I wonder" and blocks[0]["reasoningContent"]["signature"]
        history = [*asked["messages"], reply["output"]["message"], *user("And?")]
        again = client(url).converse(**{**asked, "messages": history})
        assert "And?" in text_of(again), again


def cache(url):
    point = {"cachePoint": {"type": "default"}}
    for model in (CLAUDE, "anthropic/claude-sonnet-4-5"):
        reply = client(url).converse(
            modelId=model,
            system=[{"text": "Long."}, point],
            messages=user("Hello [[mock:cached=7;cachewrite=5]]", point),
        )
        usage = reply["usage"]
        assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (7, 5), (model, usage)
        assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] + 12


def structured(url):
    if "outputConfig" not in client(url).meta.service_model.operation_model("Converse").input_shape.members:
        return
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    told = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema), "name": "city"}}}
    for model in MODELS:
        if "nova" in model:
            continue  # Bedrock itself refuses it there.
        reply = client(url).converse(modelId=model, messages=user("Oslo"), outputConfig={"textFormat": told})
        assert json.loads(text_of(reply)) == {"city": "Oslo"}, (model, reply)


CLAUDE_BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 60,
    "messages": [{"role": "user", "content": "one two three"}],
}
CLAUDES = (CLAUDE, "anthropic/claude-sonnet-4-5", "openai/gpt-4o", "acme/some-model")


def invoke(url):
    for model in CLAUDES:
        reply = client(url).invoke_model(modelId=model, body=json.dumps(CLAUDE_BODY))
        assert reply["contentType"] == "application/json"
        message = json.loads(reply["body"].read())
        assert message["content"][0]["text"] == "echo: one two three", (model, message)
        assert message["usage"]["output_tokens"] == 4
        counts = reply["ResponseMetadata"]["HTTPHeaders"]
        assert counts["x-amzn-bedrock-output-token-count"] == "4", counts
        client(url).invoke_model(
            modelId=model,
            body=json.dumps(CLAUDE_BODY),
            guardrailIdentifier="abc",
            guardrailVersion="1",
            trace="ENABLED",
        )
    body = {**CLAUDE_BODY, "anthropic_beta": ["context-1m-2025-08-07"], "context_management": {"edits": []}}
    for model in CLAUDES[:2]:
        client(url).invoke_model(modelId=model, body=json.dumps(body))


def invoke_stream(url):
    for model in CLAUDES:
        reply = client(url).invoke_model_with_response_stream(modelId=model, body=json.dumps(CLAUDE_BODY))
        assert reply["contentType"] == "application/json"
        events = [json.loads(event["chunk"]["bytes"]) for event in reply["body"]]
        text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
        assert text == "echo: one two three", (model, events)
        assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")


PROMPTS = {
    "amazon.nova-lite-v1:0": (
        {
            "schemaVersion": "messages-v1",
            "messages": user("one two three"),
            "inferenceConfig": {"maxTokens": 50, "topK": 5},
        },
        lambda reply: reply["output"]["message"]["content"][0]["text"],
        lambda chunk: chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", ""),
    ),
    "amazon.titan-text-express-v1": (
        {"inputText": "one two three", "textGenerationConfig": {"maxTokenCount": 50, "temperature": 0.5}},
        lambda reply: reply["results"][0]["outputText"],
        lambda chunk: chunk["outputText"],
    ),
    "meta.llama3-8b-instruct-v1:0": (
        {"prompt": "one two three", "max_gen_len": 50, "top_p": 0.9},
        lambda reply: reply["generation"],
        lambda chunk: chunk["generation"],
    ),
    "mistral.mistral-7b-instruct-v0:2": (
        {"prompt": "one two three", "max_tokens": 50},
        lambda reply: reply["outputs"][0]["text"],
        lambda chunk: chunk["outputs"][0]["text"],
    ),
    "cohere.command-r-v1:0": (
        {
            "message": "one two three",
            "max_tokens": 50,
            "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}],
        },
        lambda reply: reply["text"],
        lambda chunk: chunk["text"] if chunk.get("event_type") == "text-generation" else "",
    ),
}


def prompts(url):
    """Each maker's own body, to its own model and to others."""
    for own, (body, whole, piece) in PROMPTS.items():
        for model in (own, "anthropic/claude-sonnet-4-5", "openai/gpt-4o"):
            reply = client(url).invoke_model(modelId=model, body=json.dumps(body))
            text = whole(json.loads(reply["body"].read()))
            assert text == "echo: one two three", (own, model, text)
            events = client(url).invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"]
            chunks = [json.loads(event["chunk"]["bytes"]) for event in events]
            assert "".join(map(piece, chunks)) == "echo: one two three", (own, model, chunks)
            if "nova" not in own:
                metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
                assert metrics["inputTokenCount"] > 0 and metrics["outputTokenCount"] == 4, (model, chunks[-1])
    chat = {"messages": [{"role": "user", "content": "one two three"}], "max_completion_tokens": 50}
    for model in ("openai/gpt-4o", "anthropic/claude-sonnet-4-5", CLAUDE):
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(chat))["body"].read())
        assert reply["choices"][0]["message"]["content"] == "echo: one two three", (model, reply)
        events = client(url).invoke_model_with_response_stream(modelId=model, body=json.dumps(chat))["body"]
        chunks = [json.loads(event["chunk"]["bytes"]) for event in events]
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
        assert text == "echo: one two three", (model, chunks)


def embeddings(url):
    titan = {"inputText": "hello", "dimensions": 256, "normalize": True}
    for model in ("amazon.titan-embed-text-v2:0", "openai/text-embedding-3-small"):
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(titan))["body"].read())
        assert len(reply["embedding"]) > 1 and reply["inputTextTokenCount"] == 1, (model, reply)
        assert reply["embeddingsByType"]["float"] == reply["embedding"]
    cohere = {"texts": ["hello", "there"], "input_type": "search_document"}
    for model in ("cohere.embed-english-v3", "openai/text-embedding-3-small"):
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(cohere))["body"].read())
        assert len(reply["embeddings"]) == 2 and reply["response_type"] == "embeddings_floats", (model, reply)
        typed = {**cohere, "embedding_types": ["float"]}
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(typed))["body"].read())
        assert len(reply["embeddings"]["float"]) == 2, (model, reply)
    try:
        client(url).invoke_model_with_response_stream(modelId="amazon.titan-embed-text-v2:0", body=json.dumps(titan))
    except client(url).exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException", error
    else:
        raise AssertionError("an embedding was streamed")


def images(url):
    canvas = {
        "taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a red fox", "negativeText": "snow"},
        "imageGenerationConfig": {"numberOfImages": 2, "width": 1024, "height": 1024, "quality": "standard"},
    }  # fmt: skip
    for model in ("amazon.nova-canvas-v1:0", "stability.stable-image-core-v1:1", "openai/gpt-image-1"):
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(canvas))["body"].read())
        assert [base64.b64decode(one) for one in reply["images"]] == [PIXEL] * 2, (model, reply)
    stability = {"prompt": "a red fox", "mode": "text-to-image", "aspect_ratio": "1:1", "output_format": "png"}
    for model in ("stability.sd3-large-v1:0", "amazon.titan-image-generator-v2:0", "openai/gpt-image-1"):
        reply = json.loads(client(url).invoke_model(modelId=model, body=json.dumps(stability))["body"].read())
        assert [base64.b64decode(one) for one in reply["images"]] == [PIXEL], (model, reply)
        assert reply["finish_reasons"] == [None]


def count_tokens(url):
    here = client(url)
    if not hasattr(here, "count_tokens"):
        return
    asked = {"messages": user("one two three"), "system": [{"text": "Be brief."}]}
    reply = here.count_tokens(modelId=CLAUDE, input={"converse": asked})
    assert reply["inputTokens"] > 0, reply
    body = json.dumps(CLAUDE_BODY).encode()
    assert here.count_tokens(modelId=CLAUDE, input={"invokeModel": {"body": body}})["inputTokens"] > 0
    for model in ("anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "openai/gpt-4o"):
        for told in ({"converse": asked}, {"invokeModel": {"body": body}}):
            assert here.count_tokens(modelId=model, input=told)["inputTokens"] > 0, model


def rerank(url):
    here = boto3.client(
        "bedrock-agent-runtime", endpoint_url=f"{url}/bedrock", region_name="us-east-1", aws_access_key_id="AKIA",
        aws_secret_access_key="any", config=Config(retries={"max_attempts": 1, "mode": "standard"}),
    )  # fmt: skip
    sources = [
        {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}}
        for text in ("a stone", "the bridge of Asgard", "Asgard")
    ]
    for arn in (
        "arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0",
        "amazon.rerank-v1:0",
        "cohere/rerank-v3.5",
    ):
        config = {
            "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": arn}, "numberOfResults": 2},
            "type": "BEDROCK_RERANKING_MODEL",
        }
        query = [{"type": "TEXT", "textQuery": {"text": "bridge Asgard"}}]
        results = here.rerank(queries=query, sources=sources, rerankingConfiguration=config)["results"]
        assert [result["index"] for result in results] == [1, 2], results
        assert results[0]["relevanceScore"] > results[1]["relevanceScore"]


def models(url):
    here = boto3.client(
        "bedrock",
        endpoint_url=f"{url}/bedrock",
        region_name="us-east-1",
        aws_access_key_id="AKIA",
        aws_secret_access_key="any",
    )
    listed = here.list_foundation_models()["modelSummaries"]
    assert CLAUDE in [model["modelId"] for model in listed], listed
    for region in ("us", "global"):
        assert f"{region}.{CLAUDE}" in [model["modelId"] for model in listed], listed
    told = here.get_foundation_model(modelIdentifier=CLAUDE)["modelDetails"]
    assert told["modelName"] == "Claude Sonnet 4.5" and told["providerName"] == "Anthropic", told
    try:
        here.get_foundation_model(modelIdentifier="nothing")
    except here.exceptions.ResourceNotFoundException as error:
        assert "nothing" in str(error)
    else:
        raise AssertionError("a model that is none was found")


def errors(url):
    here = client(url)
    cases = [
        (CLAUDE, "x [[mock:status=400;error=bad thing]]", "ValidationException", "bad thing"),
        (CLAUDE, "x [[mock:status=403;error=not you]]", "AccessDeniedException", "not you"),
        (CLAUDE, "x [[mock:status=404;error=no such model]]", "ResourceNotFoundException", "no such model"),
        (CLAUDE, "x [[mock:status=424;error=model broke]]", "ModelErrorException", "model broke"),
        (CLAUDE, "x [[mock:status=500;error=oh dear]]", "InternalServerException", "oh dear"),
        ("openai/gpt-4o", "x [[mock:status=400;error=openai says no]]", "ValidationException", "openai says no"),
        ("openai/gpt-4o", "x [[mock:status=429;error=slow]]", "ThrottlingException", "slow"),
        ("anthropic/claude-sonnet-4-5", "x [[mock:status=529;error=busy]]", "ServiceUnavailableException", "busy"),
        ("nobody/gpt-4o", "x", "ValidationException", "identifier is invalid"),
    ]
    for model, words, kind, said in cases:
        for ask in (here.converse, here.converse_stream):
            try:
                ask(modelId=model, messages=user(words))
            except getattr(here.exceptions, kind) as error:
                assert said in str(error), error
                assert error.response["Error"]["Code"] == kind
                assert error.response["ResponseMetadata"]["RequestId"].startswith("req_")
            else:
                raise AssertionError(f"no error for {model} {words}")
    for body in ('{"a": 1}', '{"anthropic_version": "x", "messages": 1}', "[]", "{"):
        try:
            here.invoke_model(modelId="anthropic/claude-sonnet-4-5", body=body)
        except here.exceptions.ValidationException as error:
            assert error.response["Error"]["Message"], error
        else:
            raise AssertionError(f"no error for {body}")


def broken_streams(url):
    for model in (CLAUDE, "openai/gpt-4o", "anthropic/claude-sonnet-4-5"):
        for mark in ("errorafter=3", "cut=3"):
            asked = user(f"one two three four [[mock:{mark}]]")
            try:
                list(client(url).converse_stream(modelId=model, messages=asked)["stream"])
            except (EventStreamError, ClientError) as error:
                assert "Exception" in str(error), error
            else:
                raise AssertionError(f"{model} {mark} looked finished")
            body = {**CLAUDE_BODY, "messages": [{"role": "user", "content": f"one two three [[mock:{mark}]]"}]}
            try:
                list(client(url).invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"])
            except (EventStreamError, ClientError) as error:
                assert "Exception" in str(error), error
            else:
                raise AssertionError(f"{model} {mark} looked finished")


def prefixes(url):
    for framework in ("/litellm", "/langchain", "/pydanticai"):
        for prefix in (framework, f"{framework}/bedrock"):
            reply = client(url, prefix).converse(modelId="openai/gpt-4o", messages=user("Say hello"))
            assert "Say hello" in text_of(reply)
            try:
                client(url, prefix).converse(modelId="nobody/x", messages=user("x"))
            except client(url).exceptions.ValidationException:
                pass
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ValidationException", error


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
    print(json.dumps({"scenario": sys.argv[1], "boto3": boto3.__version__}))
