"""Every answer that is not a success has the one form, a request id, and nothing that is not the caller's business."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI

from headwater import errors
from headwater.errors import HeadwaterError
from headwater.http.envelope import envelope, error_response


async def test_unknown_route(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get("/v1/nowhere")
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "NotFoundError"
    assert answer.json()["error"]["code"] == "route_not_found"
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/v1/documents/find", "/v1/collections/things/documents/search"])
async def test_an_action_that_does_not_exist_is_no_id(anonymous: httpx2.AsyncClient, path: str) -> None:
    answer = await anonymous.post(path, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_not_found")


async def test_wrong_method_names_the_right_ones(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.delete("/v1/health")
    assert answer.status_code == 405
    assert answer.json() == {
        "success": False,
        "status": 405,
        "error": {
            "message": "DELETE is not allowed here; use GET, HEAD, OPTIONS",
            "type": "MethodNotAllowedError",
            "details": None,
        },
    }
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_query_of_the_wrong_type_is_a_validation_error(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get("/v1/health?deep=maybe")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (422, "ValidationError")
    [item] = error["details"]["validation_errors"]
    assert (item["type"], item["location"]) == ("bool_parsing", ["query", "deep"])
    assert error["message"] == f"Validation error: {item['message']}"


async def test_an_unknown_key_of_a_closed_body_is_named(keyed: httpx2.AsyncClient) -> None:
    answer = await keyed.post("/v1/echo/note", json={"text": "a", "txet": "b"})
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert (item["type"], item["location"]) == ("extra_forbidden", ["body", "txet"])


async def test_a_defect_tells_its_request_id_and_nothing_else(
    anonymous: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await anonymous.get("/v1/echo/defect?canary-in-the-query")
    request_id = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert answer.json()["error"]["details"] == {"request_id": request_id}
    assert "canary" not in answer.text
    failure = next(entry for entry in logs if entry["event"] == "request failed")
    assert failure["request_id"] == request_id
    assert isinstance(failure["exc_info"], RuntimeError)
    assert "canary-in-the-query" not in str(logs)


async def test_the_log_has_one_line_a_request_without_anything_private(keyed: httpx2.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        await keyed.get("/v1/echo/items/canary-in-the-path?canary=in-the-query")
        await keyed.post("/v1/echo", json={"canary": "in-the-body"})
    assert [(entry["method"], entry["route"], entry["status"]) for entry in logs] == [
        ("GET", "/v1/echo/items/{item}", 200),
        ("POST", "/v1/echo", 200),
    ]
    assert logs[1]["key_id"].startswith("key_")
    text = str(logs)
    assert "canary" not in text
    assert keyed.headers["authorization"].removeprefix("Bearer ") not in text


def test_a_retryable_error_says_so_in_header_and_body() -> None:
    response = error_response(errors.ServiceUnavailableError("down", retry_after_seconds=7))
    assert dict(response.raw_headers)[b"retry-after"] == b"7"
    assert json.loads(bytes(response.body))["error"]["details"] == {"retryable": True, "retry_after_seconds": 7}


@pytest.mark.parametrize("kind", [errors.StorageReadOnlyError, errors.StorageCorruptedError])
def test_an_error_for_the_operator_is_not_retryable(kind: type[HeadwaterError]) -> None:
    response = error_response(kind("call somebody"))
    assert b"retry-after" not in dict(response.raw_headers)
    assert json.loads(bytes(response.body))["error"]["details"] == {"retryable": False}


@pytest.mark.parametrize("name", sorted(set(errors.ERROR_TYPES) - {"HeadwaterError", "ValidationError"}))
def test_every_error_has_the_form(name: str) -> None:
    error = errors.ERROR_TYPES[name]("a message", code="a_code", details={"a": 1})
    body = envelope(error)
    assert (body["success"], body["status"]) == (False, error.status)
    assert (body["error"]["type"], body["error"]["message"], body["error"]["code"]) == (name, "a message", "a_code")
    assert body["error"]["details"]["a"] == 1


async def test_cors_answers_preflights_and_marks_errors_too(app: FastAPI, runtime: Any) -> None:
    app.state.runtime.settings.cors_origins.append("https://app.example")
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        origin = {"Origin": "https://app.example"}
        preflight = await client.options(
            "/v1/me", headers={**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x"}
        )
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        refused = await client.get("/v1/me", headers=origin)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://app.example")
        other = await client.get("/v1/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_long_answers_are_compressed_for_those_who_accept_it(anonymous: httpx2.AsyncClient) -> None:
    plain = await anonymous.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = await anonymous.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()


def test_json_logs_are_one_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from headwater.kit.log import configure_logs

    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs("json", "info")
        structlog.get_logger("test").info("one", value=1)
        logging.getLogger("library").warning("two")
        stream.flush()
        lines = [json.loads(line) for line in stream.buffer.getvalue().splitlines()]  # type: ignore[attr-defined]
        assert [(line["event"], line["level"]) for line in lines] == [("one", "info"), ("two", "warning")]
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level
