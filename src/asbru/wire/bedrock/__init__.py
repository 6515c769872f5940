"""Amazon Bedrock: Converse, InvokeModel with the models' own formats, CountTokens, Rerank."""
