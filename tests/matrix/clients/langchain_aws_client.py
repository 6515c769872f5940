"""``langchain-aws``: Converse."""

from cells import main, model
from langchain_aws import ChatBedrockConverse
from langchain_cells import chat_features


def make(url):
    def chat_of(provider):
        return ChatBedrockConverse(
            model=model(provider, "bedrock"), endpoint_url=f"{url}/langchain", region_name="us-east-1",
            aws_access_key_id="any", aws_secret_access_key="any", max_tokens=200, provider="amazon",
            supports_tool_choice_values=("auto", "any", "tool"),
        )  # fmt: skip

    return chat_features(chat_of)


main(make)
