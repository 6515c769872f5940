"""``langchain-anthropic``."""

from cells import main, model
from langchain_anthropic import ChatAnthropic
from langchain_cells import chat_features


def make(url):
    def chat_of(provider):
        return ChatAnthropic(
            model=model(provider, "anthropic"),
            base_url=f"{url}/langchain",
            api_key="any",
            max_tokens=200,
            max_retries=0,
        )

    return chat_features(chat_of)


main(make)
