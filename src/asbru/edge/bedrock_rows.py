"""The routes of Bedrock's dialect. A model's id, and a job's ARN, percent-encoded or not, may hold slashes and colons.

Jobs are found in the singular, as AWS's SDKs spell them, and in the plural, as Bifrost's OpenAPI file does.
"""

from asbru.edge.bedrock import DEFAULT, BedrockRoutes
from asbru.edge.failures import fail_bedrock
from asbru.edge.models import ModelRoutes
from asbru.edge.parts import Parts
from asbru.edge.routes import Mount


def bedrock_rows(parts: Parts) -> list[Mount]:
    """Inference. A model without prefix is Bedrock's."""
    routes = BedrockRoutes(parts.inference, fail_bedrock)
    many, one = ModelRoutes(parts.lists, DEFAULT, fail_bedrock).bedrock()
    return [
        Mount("GET", "/foundation-models", many),
        Mount("GET", "/foundation-models/{model*}", one),
        Mount("POST", "/model/{model*}/converse", routes.converse(stream=False)),
        Mount("POST", "/model/{model*}/converse-stream", routes.converse(stream=True)),
        Mount("POST", "/model/{model*}/invoke", routes.invoke(stream=False)),
        Mount("POST", "/model/{model*}/invoke-with-response-stream", routes.invoke(stream=True)),
        Mount("POST", "/model/{model*}/count-tokens", routes.count_tokens()),
        Mount("POST", "/rerank", routes.rerank()),
    ]


def bedrock_batch_rows(parts: Parts) -> list[Mount]:
    """Batch jobs."""
    jobs = parts.jobs
    rows = [Mount("GET", "/model-invocation-jobs", jobs.list)]
    for path in ("/model-invocation-job", "/model-invocation-jobs"):
        rows += [
            Mount("POST", path, jobs.create),
            Mount("POST", f"{path}/{{job*}}/stop", jobs.stop),
            Mount("GET", f"{path}/{{job*}}", jobs.get),
        ]
    return rows


def s3_rows(parts: Parts) -> list[Mount]:
    """Files as S3 has them."""
    files = parts.s3_files
    rows = [Mount("GET", path, files.buckets) for path in ("/files", "/files/")]
    for path in ("/files/{bucket}", "/files/{bucket}/"):
        rows += [
            Mount("GET", path, files.list),
            Mount("HEAD", path, files.head_bucket),
            Mount("PUT", path, files.make),
            Mount("POST", path, files.many),
            Mount("DELETE", path, files.drop),
        ]
    key = "/files/{bucket}/{key*}"
    return [
        *rows,
        Mount("GET", key, files.get),
        Mount("HEAD", key, files.head),
        Mount("PUT", key, files.put),
        Mount("POST", key, files.post),
        Mount("DELETE", key, files.delete),
    ]
