"""The bridge: carries one exchange from admission to record."""
