"""``langchain-openai``."""

from cells import check, main, model
from langchain_cells import chat_features
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


def make(url):
    def chat_of(provider):
        return ChatOpenAI(
            model=model(provider, "openai"),
            base_url=f"{url}/langchain/v1",
            api_key="any",
            max_tokens=200,
            max_retries=0,
        )

    def embeddings(provider):
        embedder = OpenAIEmbeddings(
            model=model(provider, "openai", "embeddings"), base_url=f"{url}/langchain/v1", api_key="any",
            check_embedding_ctx_length=False, max_retries=0,
        )  # fmt: skip
        check(len(embedder.embed_documents(["one", "two"])) == 2)

    return {**chat_features(chat_of), "embeddings": embeddings}


main(make)
