"""The way out: pooled connections, signatures, timeouts."""
