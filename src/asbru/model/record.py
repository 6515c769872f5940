"""The one line written when an exchange is over."""

from msgspec import Struct

from asbru.model.people import Spend
from asbru.model.usage import Usage


class Record(Struct, frozen=True, kw_only=True):
    """One exchange. Times are Unix seconds, durations seconds, cost nano-dollars.

    ``id`` is shared with the charge in the ledger. ``lane``: splice or translate. ``failure``: the code, or "".
    ``batch`` is the batch's id for an item of one, else "". ``lost``: names of what could not be carried.
    ``asked_id``: what the client calls it, "" for nothing; it need not be unique.
    ``spends``: what it takes from limits.
    """

    id: str
    at: float
    took: float
    first_byte: float = 0.0
    owner: str = ""
    asked_model: str = ""
    provider: str = ""
    model: str = ""
    key: str = ""
    format_in: str = ""
    format_out: str = ""
    lane: str = ""
    attempts: int = 0
    status: int = 0
    failure: str = ""
    usage: Usage = Usage()
    cost: int = 0
    stream: bool = False
    batch: str = ""
    lost: tuple[str, ...] = ()
    asked_id: str = ""
    spends: tuple[Spend, ...] = ()
