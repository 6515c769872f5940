"""``langchain-cohere``."""

from cells import check, main, model
from langchain_cells import chat_features
from langchain_cohere import ChatCohere, CohereEmbeddings


def make(url):
    def chat_of(provider):
        return ChatCohere(model=model(provider, "cohere"), base_url=f"{url}/langchain", cohere_api_key="any")

    def embeddings(provider):
        embedder = CohereEmbeddings(
            model=model(provider, "cohere", "embeddings"), base_url=f"{url}/langchain", cohere_api_key="any"
        )
        check(len(embedder.embed_documents(["one", "two"])) == 2)

    return {**chat_features(chat_of, must="REQUIRED"), "embeddings": embeddings}


main(make)
