"""Who has signed in to the management API: one row per session, known by the digest of its token."""

from msgspec import Struct

from asbru.store.db import Db


class Login(Struct, frozen=True):
    """``user``: id of the document. Times: Unix seconds."""

    user: str
    created_at: float
    expires_at: float


def begin(db: Db, digest: str, login: Login) -> None:
    """Keep a new session."""
    db.execute(
        "INSERT INTO logins (digest, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        (digest, login.user, login.created_at, login.expires_at),
    )
    db.execute("DELETE FROM logins WHERE expires_at < ?", (login.created_at,))


def find(db: Db, digest: str, now: float) -> Login | None:
    """The session with this digest, unless it is over."""
    row = db.execute(
        "SELECT user_id, created_at, expires_at FROM logins WHERE digest = ? AND expires_at > ?", (digest, now)
    ).fetchone()
    return Login(*row) if row else None


def end(db: Db, digest: str) -> None:
    """End one session."""
    db.execute("DELETE FROM logins WHERE digest = ?", (digest,))


def end_all(db: Db, user: str) -> None:
    """End every session of a user."""
    db.execute("DELETE FROM logins WHERE user_id = ?", (user,))
