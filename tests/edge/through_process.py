"""A bare gateway as a process: server, client, nothing between. Argument: the provider's port. Says its own."""

import asyncio
import socket
import sys

import uvloop

from asbru.edge.request import Request, Route
from asbru.edge.server import Server
from asbru.model.failure import Failure
from asbru.model.http import Answer
from asbru.upstream.call import Call, Origin
from asbru.upstream.client import Client


def fail(failure: Failure, request_id: str) -> Answer:
    """Status and message."""
    return Answer(status=failure.status, body=failure.message.encode())


async def main(port: int) -> None:
    """Serve until killed."""
    client = Client()
    origin = Origin(host="127.0.0.1", port=port, tls=False)

    async def through(request: Request) -> Answer:
        head = f"{request.method} {request.path} HTTP/1.1\r\nhost: a\r\n".encode()
        return await client.send(Call(origin=origin, head=head, body=request.body, stream=True))

    route = Route(handler=through, fail=fail)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = Server(lambda method, path: (route, ()))
    await server.start(bound)
    sys.stdout.write(f"{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
