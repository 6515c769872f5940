"""Alembic migrations; ``python -m asbru.store.migrations FILE`` brings one SQLite database to the newest."""
