"""Cohere's dialect: chat, embed and rerank of API v2, and what its SDKs still ask of v1."""
