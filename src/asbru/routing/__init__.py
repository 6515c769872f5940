"""Which target next? Models, keys, weights, fallbacks, retries, as pure decisions."""
