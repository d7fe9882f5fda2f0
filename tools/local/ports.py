"""TCP ports of this machine."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
ANY_PORT = 0
_SERVERS = (20_000, 32_000)


def is_listening(port: int, address: str = LOOPBACK) -> bool:
    """Whether something accepts connections at that address of this machine and `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def free_port() -> int:
    """A port that nothing listens at now, chosen by chance.

    It is below those that systems take for outgoing connections (Linux from 32768, macOS from
    49152), so that none of these gets it before a server does.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(*_SERVERS)
        if can_listen(LOOPBACK, port):
            return port


def can_listen(address: str, port: int) -> bool:
    """Whether a server could listen at an address of this machine."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
