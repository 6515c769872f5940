"""Who asks."""

from msgspec import Struct


class Principal(Struct, frozen=True):
    """The owner of exchanges, batches and files. ``""`` is the one owner of a gateway without keys."""

    owner: str = ""


NOBODY = Principal()
