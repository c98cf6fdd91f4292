"""Answers in items 56 to 60, some seconds after it was asked.

    python3 peer.py 0.01

Prints its port, sends back what it is sent, and ends when its stdin does.
"""

import asyncio
import os
import signal
import sys
from typing import Any


def give_up(_: object, context: dict[str, Any]) -> None:
    """Say what went wrong and end at once, so that nobody waits in vain."""
    print("The peer:", *context.values(), file=sys.stderr, flush=True)
    os._exit(1)


async def serve(delay: float) -> None:
    """Answer until standard input ends."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(give_up)

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            loop.call_later(delay, self.transport.write, data)

    server = await loop.create_server(Answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for its parent
    asyncio.run(serve(float(sys.argv[1])))
