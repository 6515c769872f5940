"""A scripted provider in every dialect, with faults on request, for tests: ours and our users'."""

from asbru.mock.app import Mock
from asbru.mock.options import MockOptions, key_statuses, shares
from asbru.mock.serve import run, serve

__all__ = ["Mock", "MockOptions", "key_statuses", "run", "serve", "shares"]
