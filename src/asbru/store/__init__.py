"""Everything that outlives a request: SQLite or Postgres rows, and file bytes."""
