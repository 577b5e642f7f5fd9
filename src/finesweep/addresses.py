"""Web addresses: which texts are one, how one is shown without its secrets, how one is served."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

SCHEMES = ("http://", "https://")


def is_web_address(text: str) -> bool:
    """Whether text is an address of the web, valid or not."""
    return text.lower().startswith(SCHEMES)


def public_address(url: str) -> str:
    """Scheme, host and port alone, for messages: user, password and query may be secrets, and in
    addresses of chat services so is the path."""
    parts = urlsplit(url)
    hidden = "/…" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{hidden}"


def has_host(url: str) -> bool:
    """Whether a web address names a host and, if any, a valid port."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def host_and_port(host: str, port: int) -> str:
    """Both as they stand in a web address: an IPv6 address is in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for a name, an IPv4 or an IPv6 address; port 0 is any free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
