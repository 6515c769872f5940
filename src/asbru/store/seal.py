"""Secrets at rest: AES-256-GCM, each with a nonce of its own, bound to what it belongs to.

The key is made of ``ASBRU_ENCRYPTION_KEY`` (any text, by scrypt), or else is random in a file that only its owner may
read. Gateways that share a database need the same text.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path

VARIABLE = "ASBRU_ENCRYPTION_KEY"
FILE = "secret.key"
_SALT = b"asbru secrets at rest, 1"
_NONCE = 12


class SealError(Exception):
    """What was sealed cannot be opened: it was sealed with another key, or was changed."""


def key_of(app_dir: Path, text: str) -> bytes:
    """The key, 32 bytes; made at the first start. Takes 50 ms where it is made of a text. Raises OSError."""
    if text:
        return hashlib.scrypt(text.encode(), salt=_SALT, n=1 << 14, r=8, p=1, dklen=32)
    path = app_dir / FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = os.urandom(32)
        file.write(key)
    return key


class Sealer:
    """Seals and opens texts. ``name``: what a secret belongs to; it opens nowhere else."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, name: str) -> str:
        """``plain``, as a text that tells nothing of it but its length."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + AESGCM(self._key).encrypt(nonce, plain, name.encode())).decode()

    def open(self, sealed: str, name: str) -> bytes:
        """What was sealed. Raises SealError."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.b64decode(sealed, validate=True)
            return AESGCM(self._key).decrypt(raw[:_NONCE], raw[_NONCE:], name.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise SealError(f"{name} was sealed with another {VARIABLE} (or {FILE}), or was changed") from None
