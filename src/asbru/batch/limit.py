"""The end of a batch that has cost what it may: items that were not sent say why."""

from asbru.batch.run import request_id
from asbru.model.failure import Refused
from asbru.model.usage import dollars
from asbru.store import Store, spending
from asbru.store.batches import Active
from asbru.wire import CODECS

CODE = "max_cost_reached"


async def end_stopped(store: Store, batch: Active) -> None:
    """Give items of a stopped batch that have not been sent their result: they are errored, and cost nothing."""
    text = f"The batch may cost {dollars(batch.max_cost)} US dollars; this request was not sent, as it might pass that."
    failure = Refused(402, text, code=CODE, param="x-bf-batch-max-cost")
    id_ = f"{request_id(batch.id, 0).rpartition('_')[0]}_limit"
    body = CODECS[batch.format].write_failure(failure, id_)
    now = store.clock()
    await store.write(
        lambda db: spending.end(db, batch.seq, (batch.format, failure.status, store.segments.append(body), id_), now)
    )
