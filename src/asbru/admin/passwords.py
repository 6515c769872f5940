"""Passwords: hashed by Argon2id, with the parameters that OWASP names first (19 MiB, 2 passes, 1 lane)."""

import os

_MEMORY = 19 * 1024
_PASSES = 2
SHORTEST = 10
_LONGEST = 1_000


def hashed(password: str) -> str:
    """What is kept of a password, in PHC form. Takes some 20 ms: not for the event loop."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=_PASSES, lanes=1, memory_cost=_MEMORY)
    return kdf.derive_phc_encoded(password.encode("utf-8", "surrogatepass"))


def matches(password: str, kept: str) -> bool:
    """Whether ``kept`` was made of ``password``. As slow as hashed()."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password.encode("utf-8", "surrogatepass"), kept)
    except InvalidKey:
        return False
    return True


def weakness(password: str) -> str:
    """Why a password will not do, "" when it will."""
    if len(password) < SHORTEST:
        return f"must have at least {SHORTEST} characters"
    if len(password) > _LONGEST:
        return f"must have at most {_LONGEST} characters"
    return ""
