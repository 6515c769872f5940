"""Bedrock's batch jobs and S3's files, put together: who reads which bucket, and who delivers into it."""

from asbru.batch import BatchService
from asbru.batch.delivery import Deliveries
from asbru.batch.records import Records
from asbru.edge.bedrock_jobs import BedrockJobs
from asbru.edge.buckets import Buckets, S3Places
from asbru.edge.files import FileService
from asbru.edge.own_buckets import OwnBuckets
from asbru.edge.s3_files import S3Files
from asbru.edge.shown_batches import shown_batches
from asbru.store import Store


class BedrockBatches:
    """What is served, and what works behind it."""

    def __init__(self, store: Store, service: BatchService, files: FileService, s3: S3Places) -> None:
        own = OwnBuckets(files, s3.has, shown_batches(service, Records(store)))
        buckets = Buckets(s3, own, files)
        self.files = files
        self.jobs = BedrockJobs(store, service, buckets, files)
        self.s3_files = S3Files(files, own)
        self.deliveries = Deliveries(store, buckets.write)
