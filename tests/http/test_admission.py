"""Who is refused is refused before a byte of the body is looked at; what is public is public by its route."""

from __future__ import annotations

import itertools
import re

import pytest
from fastapi import FastAPI

from headwater.app import create_app
from headwater.http.access import ACCESS
from headwater.runtime import Runtime
from tests.http.conftest import Live, Serve, echo_router

BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")
CLOSED = [(method, path) for (method, path), access in ACCESS.items() if access.permission != "public"]


def filled(path: str) -> str:
    return re.sub(r"{[^}]+}", "x", path)


def test_every_closed_route_answers_401_before_the_body(live: Live) -> None:
    answers = {}
    for method, path in CLOSED:
        with live.connect() as wire:
            head = f"{method} {filled(path)} HTTP/1.1\r\nHost: test\r\nContent-Length: 30000000\r\n\r\n"
            wire.send(head.encode())
            answer = wire.answer()
            assert wire.everything() == b"", "the connection stays open"
            answers[method, path] = (answer.status, answer.error_type, answer.headers.get("www-authenticate"))
    assert answers == dict.fromkeys(CLOSED, (401, "UnauthorizedError", "Bearer"))


@pytest.mark.parametrize(
    "authorization", ["Bearer sk_wrong", "Bearer ", "Basic YTpi", "sk_wrong", "Bearer " + "x" * 9000]
)
def test_a_bad_key_is_401_before_a_poisonous_body(live: Live, authorization: str) -> None:
    with live.connect() as wire:
        head = f"POST /v1/echo HTTP/1.1\r\nHost: test\r\nAuthorization: {authorization}\r\nContent-Length: 9\r\n\r\n"
        wire.send(head.encode() + b"[[[[\xff")
        assert wire.answer().error_type == "UnauthorizedError"


def test_guessing_keys_ends_in_429_for_the_guesser_only(serve: Serve) -> None:
    live = serve(failed_keys_per_minute=5)
    with live.connect() as wire:
        seen = [wire.request("GET", "/v1/me", "Authorization: Bearer sk_guess").status for _ in range(8)]
        assert seen == [401] * 5 + [429] * 3
        assert wire.request("GET", "/v1/me", keyed=True).status == 200
        assert wire.request("GET", "/v1/me").status == 401


@pytest.mark.parametrize(("trusted", "statuses"), [("*", [401, 401]), ("", [401, 429])])
def test_clients_behind_a_trusted_proxy_are_told_apart(serve: Serve, trusted: str, statuses: list[int]) -> None:
    live = serve(failed_keys_per_minute=1, forwarded_allow_ips=trusted)
    with live.connect() as wire:
        guess = ("GET", "/v1/me", "Authorization: Bearer sk_guess")
        seen = [wire.request(*guess, f"X-Forwarded-For: 198.51.100.{number}").status for number in (1, 2)]
    assert seen == statuses


def test_a_route_without_a_row_is_refused_at_start(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ACCESS, ("POST", "/v1/echo"))
    with pytest.raises(LookupError, match="/v1/echo"):
        create_app(runtime, [echo_router()])


def test_every_row_has_a_route(app: FastAPI) -> None:
    routes = {(route.method, route.path) for route in app.router.routes}  # type: ignore[attr-defined]
    assert set(ACCESS) == routes


def spellings() -> list[str]:
    """Paths that look like a closed route, a public one, or both at once."""
    slashes = ["/", "//", "/./", "/x/../", "%2f", "%2F", "%252f", "\\", "%5c", "/%2e/", "/.%2e/", ";/", "/;x/"]
    heads = ["", "/v1/health/..", "/v1/health", "/docs/..", "/openapi.json/..", "/api", "http://other.example"]
    tails = ["", "/", ".", "%00", "%20", ";x=y", "?", "#", "..;/", "%2f", "/."]
    middles = [f"{{0}}v1{slash}organizations{slash}users" for slash in slashes]
    paths = [head + middle.format("/") + tail for head, middle, tail in itertools.product(heads, middles, tails)]
    paths += [
        "/V1/organizations/users",
        "/v1/Organizations/users",
        "/v1/ORGANIZATIONS/USERS",
        "//v1/organizations/users",
    ]
    paths += ["/v1/health/../organizations", "/v1/health%2f..%2forganizations", "/v1/health/%2e%2e/organizations"]
    return paths


def test_no_spelling_of_a_path_gets_around_the_key(live: Live) -> None:
    unexpected = {}
    for path in spellings():
        with live.connect() as wire:
            wire.send(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode("latin-1"))
            statuses = wire.statuses()
            if len(statuses) != 1 or statuses[0] not in (400, 401, 404):
                unexpected[path] = statuses
    assert unexpected == {}


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("a%2Fb", "a/b"),
        ("%2e%2e", ".."),
        ("caf%C3%A9", "café"),
        ("a%20b%3Fc", "a b?c"),
        ("%25", "%"),
        ("count;x", "count;x"),
        ("a+b", "a+b"),
    ],
)
def test_an_id_is_one_decoded_segment(live: Live, path: str, item: str) -> None:
    with live.connect() as wire:
        assert wire.request("GET", f"/v1/echo/items/{path}").json == {"item": item}
        assert wire.request("GET", f"/api/v1/echo/items/{path}").json == {"item": item}


def test_a_path_that_is_not_utf8_is_400(live: Live) -> None:
    with live.connect() as wire:
        assert wire.request("GET", "/v1/echo/items/%ff").error_type == "BadRequestError"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_of_a_closed_route_open_nothing(live: Live, method: str) -> None:
    with live.connect() as wire:
        wire.send(f"{method} /v1/me HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        answer = wire.everything()
    status = int(answer.split(b" ", 2)[1])
    assert status == {"HEAD": 401, "OPTIONS": 204, "PATCH": 405, "TRACE": 405, "PROPFIND": 405}[method]
    if status in (204, 405):
        assert b"allow: GET, HEAD, OPTIONS\r\n" in answer


def test_head_is_get_without_the_body(live: Live) -> None:
    with live.connect() as wire:
        wire.send(b"HEAD /v1/health/liveness HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        head, _, body = wire.everything().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 15" in head
    assert body == b""
