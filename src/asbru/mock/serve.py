"""Runs the mock on our own server."""

from asbru.mock.options import MockOptions


async def serve() -> None: ...


def run(options: MockOptions) -> None: ...
