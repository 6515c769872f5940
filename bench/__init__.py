"""Measurements: the gateway beside nginx on the same core, its start, its memory, its batch engine."""
