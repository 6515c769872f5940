"""Thought signatures: which part each belongs to, and how other vendors' travel through Google's clients.

Sources: ai.google.dev/gemini-api/docs/thought-signatures. A signature stands on the part after the thinking: the first
of a turn's function calls, the last text (with streams: an empty text after it), an image. It must come back on it.

Rule 1. In the model each is a Thinking part; its text says the place (``asbru1:g:call0:…``), as other formats' clients
do not keep the order of parts.
Rule 2. Others' signatures are put into bytes that begin with ``asbru:``, since Google's SDKs decode what they get.
"""

import base64
import binascii

from asbru.model.chat import GOOGLE_SEAL, Thinking, is_sealed
from asbru.wire.gemini.proto import standard_base64

_FOREIGN = "YXNicnU6"
"""``asbru:`` in base64."""
_REDACTED = "redacted:"

SKIPPED = base64.b64encode(b"skip_thought_signature_validator").decode()
"""What Google asks for in place of the signature of a call that another model made, or whose client lost it."""


def read_signature(signature: str, place: str) -> Thinking:
    """A part's ``thoughtSignature``. ``place``: what it stands on (``call0``, ``text``, ``image0``, ``thought``)."""
    told = standard_base64(signature)
    if told.startswith(_FOREIGN):
        try:
            text = base64.b64decode(told, validate=True).decode()[6:]
        except (binascii.Error, ValueError):
            return Thinking()
        if text.startswith(_REDACTED):
            return Thinking(redacted=text.removeprefix(_REDACTED))
        return Thinking(signature=text)
    return Thinking(signature=f"{GOOGLE_SEAL}{place}:{told}")


def wrapped(part: Thinking) -> str:
    """Another vendor's signature, or its redacted thinking, as a ``thoughtSignature``."""
    text = _REDACTED + part.redacted if part.redacted else part.signature
    return base64.b64encode(f"asbru:{text}".encode()).decode()


def placed(signature: str) -> tuple[str, str]:
    """Place and ``thoughtSignature`` of one of Google's own signatures; both "" for another's."""
    if not is_sealed(signature, GOOGLE_SEAL):
        return "", ""
    place, _, own = signature.removeprefix(GOOGLE_SEAL).partition(":")
    return (place, own) if own else ("", "")
