"""``langchain-google-genai``."""

from cells import check, main, model
from langchain_cells import chat_features
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings


def make(url):
    def chat_of(provider):
        return ChatGoogleGenerativeAI(
            model=model(provider, "gemini"), base_url=f"{url}/langchain", api_key="any", max_tokens=200, max_retries=1
        )

    def embeddings(provider):
        embedder = GoogleGenerativeAIEmbeddings(
            model=model(provider, "gemini", "embeddings"), base_url=f"{url}/langchain", api_key="any"
        )
        check(len(embedder.embed_documents(["one", "two"])) == 2)

    return {**chat_features(chat_of), "embeddings": embeddings}


main(make)
