"""Requests that two readers could understand differently, or that only want to use up memory."""

from __future__ import annotations

import pytest

from tests.http.conftest import Live, Serve
from tests.http.wire import Wire

HOST = b"Host: test\r\n"
SMUGGLED = b"GET /v1/health/beat HTTP/1.1\r\nHost: test\r\n\r\n"


def post(headers: bytes, body: bytes) -> bytes:
    return b"POST /v1/echo HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


ATTACKS = {
    "length_and_encoding": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "encoding_and_length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two_lengths": post(b"Content-Length: 2\r\nContent-Length: 60\r\n", b"{}" + SMUGGLED),
    "two_equal_lengths": post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}" + SMUGGLED),
    "list_of_lengths": post(b"Content-Length: 2, 2\r\n", b"{}" + SMUGGLED),
    "space_before_colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "unknown_encoding": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "gzip_encoding": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two_encodings": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "encoding_in_http_1_0": b"POST /v1/echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "plus_length": post(b"Content-Length: +5\r\n", b"{}   " + SMUGGLED),
    "negative_length": post(b"Content-Length: -1\r\n", SMUGGLED),
    "hexadecimal_length": post(b"Content-Length: 0x5\r\n", b"{}   " + SMUGGLED),
    "huge_length": post(b"Content-Length: 99999999999999999999999\r\n", SMUGGLED),
    "bare_line_feed": b"GET /v1/health/liveness HTTP/1.1\nHost: test\n\n" + SMUGGLED,
    "bare_line_feed_between_headers": b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\nX: y\r\n\r\n" + SMUGGLED,
    "folded_header": b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n" + SMUGGLED,
    "no_host": b"GET /v1/health/liveness HTTP/1.1\r\n\r\n" + SMUGGLED,
    "empty_host": b"GET /v1/health/liveness HTTP/1.1\r\nHost:\r\n\r\n" + SMUGGLED,
    "two_hosts": b"GET /v1/health/liveness HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + SMUGGLED,
    "nul_in_value": b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\r\nX: a\x00b\r\n\r\n" + SMUGGLED,
    "nul_in_path": b"GET /v1/health/live\x00ness HTTP/1.1\r\nHost: test\r\n\r\n" + SMUGGLED,
    "carriage_return_in_value": b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n" + SMUGGLED,
    "bad_version": b"GET /v1/health/liveness HTTP/9.9\r\nHost: test\r\n\r\n" + SMUGGLED,
    "http_2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "not_http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "bad_chunk_size": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "negative_chunk_size": post(b"Transfer-Encoding: chunked\r\n", b"-1\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "connect": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n" + SMUGGLED,
}


def test_framing_attacks_are_answered_once_with_400(live: Live) -> None:
    seen = {}
    for name, attack in ATTACKS.items():
        with live.connect() as wire:
            wire.send(attack)
            seen[name] = wire.statuses()
    assert seen == {name: [400] for name in ATTACKS}


def test_a_refusal_is_an_envelope_and_the_server_lives_on(live: Live) -> None:
    with live.connect() as wire:
        wire.send(ATTACKS["no_host"])
        answer = wire.answer()
        assert answer.error_type == "BadRequestError"
        assert answer.headers["connection"] == "close"
        assert "exactly one Host" in answer.json["error"]["message"]
        assert wire.everything() == b""
    with live.connect() as wire:
        assert wire.request("GET", "/v1/health/liveness").status == 200


def test_bad_chunk_end_gets_one_answer(live: Live) -> None:
    with live.connect() as wire:
        body = b"2\r\n{}XX0\r\n\r\n"
        wire.send(post(f"Authorization: Bearer {live.key}\r\nTransfer-Encoding: chunked\r\n".encode(), body + SMUGGLED))
        assert wire.statuses() == [400]


def test_garbage_after_a_complete_request_does_not_spoil_its_answer(live: Live) -> None:
    with live.connect() as wire:
        wire.send(b"GET /v1/echo/wait/0.2 HTTP/1.1\r\nHost: test\r\n\r\nGARBAGE\x00\r\n\r\n" + SMUGGLED)
        assert wire.answer().json == {"waited": 0.2}
        assert wire.everything() == b""


@pytest.mark.parametrize(
    ("request_bytes", "status", "kind"),
    [
        (b"GET /v1/" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: test\r\n\r\n", 414, "URITooLongError"),
        (b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n", 431, "HeadersTooLargeError"),
        (b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * (1 << 20), 431, "HeadersTooLargeError"),
        (b"GET / HTTP/1.1\r\nHost: test\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431, "HeadersTooLargeError"),
        (b"GET / HTTP/1.1\r\nHost: test\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431, "HeadersTooLargeError"),
        (b"GET / HTTP/1.1\r\n" + b"x" * (1 << 20), 431, "HeadersTooLargeError"),
    ],
    ids=["url", "header", "unfinished_header", "many_fields", "101_fields", "unfinished_name"],
)
def test_oversized_heads(live: Live, request_bytes: bytes, status: int, kind: str) -> None:
    with live.connect() as wire:
        wire.send(request_bytes)
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (status, kind)
        assert wire.everything() == b""


def test_heads_within_the_limits_are_served(live: Live) -> None:
    with live.connect() as wire:
        many = [f"X-{number}: {'y' * 500}" for number in range(98)]
        assert wire.request("GET", "/v1/health/liveness", *many).status == 200
        assert wire.request("GET", "/v1/health/liveness?" + "q" * 15_000).status == 200


def test_a_head_in_single_bytes_is_served(live: Live) -> None:
    with live.connect() as wire:
        for byte in b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\r\n\r\n":
            wire.send(bytes([byte]))
        assert wire.answer().status == 200


def test_pipelined_requests_are_answered_in_order(live: Live) -> None:
    with live.connect() as wire:
        one = "GET /v1/echo/items/{} HTTP/1.1\r\nHost: test\r\n\r\n"
        wire.send("".join(one.format(number) for number in range(20)).encode())
        assert [wire.answer().json["item"] for _ in range(20)] == [str(number) for number in range(20)]


def test_an_upgrade_is_not_taken_and_nothing_after_it_is_read(live: Live) -> None:
    with live.connect() as wire:
        upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        wire.send(b"GET /v1/health/liveness HTTP/1.1\r\nHost: test\r\n" + upgrade + SMUGGLED)
        assert wire.statuses() == [200]


def test_http_1_0_needs_no_host_and_closes(live: Live) -> None:
    with live.connect() as wire:
        wire.send(b"GET /v1/health/liveness HTTP/1.0\r\n\r\n")
        assert wire.statuses() == [200]


def test_too_many_connections_get_503(serve: Serve) -> None:
    live = serve(max_connections=3)
    wires: list[Wire] = []
    try:
        for _ in range(3):
            wires.append(live.connect())
            assert wires[-1].request("GET", "/v1/health/liveness").status == 200
        wires.append(live.connect())
        answer = wires[-1].answer()
        assert (answer.status, answer.error_type) == (503, "ServiceUnavailableError")
        assert answer.headers["retry-after"] == "1"
        wires[0].socket.close()
        assert wires[1].request("GET", "/v1/health/liveness").status == 200
    finally:
        for wire in wires:
            wire.socket.close()
