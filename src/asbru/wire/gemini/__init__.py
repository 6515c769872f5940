"""Google's formats."""
