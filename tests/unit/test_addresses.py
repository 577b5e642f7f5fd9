"""Web addresses are shown without their secrets, and listened at whatever their kind."""

from __future__ import annotations

import socket

import pytest

from finesweep.addresses import has_host, host_and_port, is_web_address, listen, public_address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@example.org:8443/services/T0/B0?token=abc", "https://example.org:8443/…"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("https://example.org?token=abc", "https://example.org/…"),
        ("HTTPS://token@example.org", "https://example.org"),
    ],
)
def test_an_address_is_shown_without_login_path_and_query(url: str, shown: str) -> None:
    assert public_address(url) == shown


@pytest.mark.parametrize(
    ("text", "is_address", "is_whole"),
    [
        ("https://example.org/hook", True, True),
        ("HTTP://example.org:80", True, True),
        ("https:///hook", True, False),
        ("http://example.org:port/", True, False),
        ("http://[::1/", True, False),
        ("notify.sh https://example.org", False, False),
    ],
)
def test_an_address_has_a_scheme_of_the_web_and_a_host(
    text: str, is_address: bool, is_whole: bool
) -> None:
    assert is_web_address(text) is is_address
    if is_address:
        assert has_host(text) is is_whole


@pytest.mark.parametrize(
    ("host", "start"),
    [("127.0.0.1", "127.0.0.1:"), ("localhost", "127.0.0.1:"), ("::1", "[::1]:"), ("::", "[::]:")],
)
def test_a_server_listens_at_addresses_of_both_versions(host: str, start: str) -> None:
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    with listen(host, 0) as listener:
        bound, port = listener.getsockname()[:2]
        assert host_and_port(bound, port) == f"{start}{port}"
        client_host = "::1" if host == "::" else bound
        socket.create_connection((client_host, port), timeout=5).close()
