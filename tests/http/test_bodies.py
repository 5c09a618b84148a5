"""Bodies that are too large, lie about their length, are compressed, or are no JSON."""

from __future__ import annotations

import gzip
import time

import httpx2
import pytest

from headwater.errors import ServiceUnavailableError
from headwater.http.body import BodyBudget
from tests.http.conftest import Live, Serve
from tests.http.wire import Wire

LIMIT = 64 * 1024


@pytest.fixture
def small(serve: Serve) -> Live:
    """A server that takes bodies of up to 64 KiB."""
    return serve(max_body_bytes=LIMIT)


def head(wire: Wire, *headers: str) -> bytes:
    lines = ["POST /v1/echo HTTP/1.1", "Host: test", f"Authorization: Bearer {wire.key}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_too_large_by_header_is_refused_before_the_body(small: Live) -> None:
    with small.connect() as wire:
        wire.send(head(wire, f"Content-Length: {LIMIT + 1}"))
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (413, "PayloadTooLargeError")
        assert answer.json["error"]["details"] == {"limit_bytes": LIMIT}
        assert answer.headers["connection"] == "close"
        assert wire.everything() == b""


def test_too_large_by_chunks_is_refused_at_the_limit(small: Live) -> None:
    with small.connect() as wire:
        wire.send(head(wire, "Transfer-Encoding: chunked"))
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        wire.send(chunk * 40)
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (413, "PayloadTooLargeError")
        assert wire.everything() == b""


def test_a_body_of_exactly_the_limit_is_taken(small: Live) -> None:
    with small.connect() as wire:
        body = b'{"text":"' + b"x" * (LIMIT - 11) + b'"}'
        assert len(body) == LIMIT
        assert wire.request("POST", "/v1/echo", body=body, keyed=True).status == 200
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        wire.send(head(wire, "Transfer-Encoding: chunked") + chunked)
        assert wire.answer().status == 200


def test_a_refused_upload_is_drained_so_that_its_answer_arrives(live: Live) -> None:
    with live.connect() as wire:
        size = 20 << 20
        wire.send(f"POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        # As most clients do: first all of the body, then a look at the answer.
        wire.send(b" " * size)
        assert wire.answer().error_type == "UnauthorizedError"


def test_less_than_the_declared_length_is_not_acted_on(small: Live) -> None:
    with small.connect() as wire:
        wire.send(head(wire, "Content-Length: 100") + b'{"a":1}')
        wire.socket.shutdown(1)
        assert wire.everything() == b""


def test_a_client_that_only_listens_after_its_request_gets_its_answer(live: Live) -> None:
    with live.connect() as wire:
        wire.send(b"GET /v1/echo/wait/0.2 HTTP/1.1\r\nHost: test\r\n\r\n")
        wire.socket.shutdown(1)
        assert wire.answer().json == {"waited": 0.2}
        assert wire.everything() == b""


def test_more_than_the_declared_length_is_not_a_second_answer_from_the_same_body(small: Live) -> None:
    with small.connect() as wire:
        wire.send(head(wire, "Content-Length: 2") + b"{}XXXXXXXX\r\n\r\n")
        assert wire.statuses()[0] == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
async def test_compressed_bodies_are_refused(keyed: httpx2.AsyncClient, encoding: str) -> None:
    bomb = gzip.compress(b" " * (1 << 20))
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    answer = await keyed.post("/v1/echo", content=bomb, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"]["type"] == "UnsupportedMediaTypeError"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"]
)
async def test_other_content_types_are_refused(keyed: httpx2.AsyncClient, kind: str) -> None:
    answer = await keyed.post("/v1/echo", content=b'{"a": 1}', headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json()["error"]["type"] == "UnsupportedMediaTypeError"


async def test_ten_thousand_multipart_parts_are_not_looked_at(keyed: httpx2.AsyncClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await keyed.post("/v1/echo", content=part * 10_000 + b"--x--\r\n", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("kind", [None, "application/json", "application/json; charset=utf-8", "application/ld+json"])
async def test_json_content_types_are_read(keyed: httpx2.AsyncClient, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await keyed.post("/v1/echo", content=b'{"a": 1}', headers=headers)
    assert answer.json() == {"body": {"a": 1}, "key": "admin-key"}


@pytest.mark.parametrize("content", [b"", b"null", b"{}"])
async def test_empty_null_and_object_are_equal_where_the_body_is_optional(
    keyed: httpx2.AsyncClient, content: bytes
) -> None:
    answer = await keyed.post("/v1/echo/optional", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {"body": {}})


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"text"', b"1", b"true"])
async def test_a_required_object_must_be_one(keyed: httpx2.AsyncClient, content: bytes) -> None:
    answer = await keyed.post("/v1/echo", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"][0] == "body"


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b'{"text": 1}', b'{"text": "a", "txt": "b"}'])
async def test_a_typed_body_is_checked(keyed: httpx2.AsyncClient, content: bytes) -> None:
    answer = await keyed.post("/v1/echo/note", content=content)
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "ValidationError"


async def test_a_typed_body_keeps_defaults_for_null(keyed: httpx2.AsyncClient) -> None:
    answer = await keyed.post("/v1/echo/note", json={"text": "a", "count": None})
    assert answer.json() == {"text": "a", "count": 1}


def test_bodies_in_flight_have_a_limit_together(serve: Serve) -> None:
    live = serve(max_body_bytes=LIMIT, max_inflight_body_bytes=LIMIT + 100)
    with live.connect() as first, live.connect() as second:
        first.send(head(first, f"Content-Length: {LIMIT}") + b"{")
        assert live.app is not None
        deadline = time.monotonic() + 10
        while live.app.state.body_budget.held_bytes < LIMIT:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer = second.request("POST", "/v1/echo", body=b'{"a":"' + b"x" * 200 + b'"}', keyed=True)
        assert (answer.status, answer.error_type) == (503, "ServiceUnavailableError")
        assert answer.headers["retry-after"] == "1"
        assert answer.json["error"]["details"]["retryable"] is True
        first.send(b" " * (LIMIT - 2) + b"}")
        assert first.answer().status == 200
    with live.connect() as third:
        assert third.request("POST", "/v1/echo", body=b"{}", keyed=True).status == 200
    assert live.app.state.body_budget.held_bytes == 0


def test_the_budget_is_given_back_after_a_failure() -> None:
    budget = BodyBudget(100)
    with budget.hold() as held, pytest.raises(ServiceUnavailableError):
        held.take(60)
        held.take(60)
    assert budget.held_bytes == 0


def test_expect_100_continue_is_answered_after_admission_only(live: Live) -> None:
    with live.connect() as wire:
        wire.send(head(wire, "Content-Length: 2", "Expect: 100-continue"))
        assert wire.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        wire.send(b"{}")
        assert wire.answer().status == 200
    with live.connect() as wire:
        wire.send(b"POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert wire.answer().status == 401
