"""The listening socket, and who may be reached through it."""

from __future__ import annotations

import ipaddress
import socket

from headwater.supervisor.children import StartError

_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on that address; port 0 takes a free one. Raises ``StartError`` when it is taken."""
    family, address = _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(
            f"cannot listen on {host} port {port}: {error.strerror}", "choose another port with --port"
        ) from error
    return listener


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise StartError(f"cannot resolve the host {host!r}: {error.strerror}") from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    return ipaddress.ip_address(_resolve(host, 0)[1][0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """The URL that a client on this machine uses."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
