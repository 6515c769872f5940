"""Alembic migrations; ``python -m asbru.store.migrations`` brings one database to the newest."""
