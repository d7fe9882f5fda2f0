"""A TCP forwarder: lets containers reach what listens on this machine's loopback address only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tools.local.ports import LOOPBACK

_CHUNK_BYTES = 65_536


@contextmanager
def forwarded(address: str, port: int) -> Iterator[int]:
    """While open, connections to a free port of `address` go to 127.0.0.1:`port`; yields that port.

    Raises:
        OSError: `address` is not this machine's.
    """
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda *streams: _join(*streams, port=port), address, 0)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, port: int) -> None:
    try:
        there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side ends, then end the other."""
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with suppress(ConnectionError, OSError):
        writer.close()
