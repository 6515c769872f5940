"""Anthropic's formats."""
