"""The Mixpeek MCP server builds its tools from our own description, and they work against a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server

_CALLS = Path(__file__).with_name("mcp_calls.py")
NAMESPACE = "for-mcp"


def call_tools(server: Server, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    environment = {"MIXPEEK_API_BASE": server.url, "MIXPEEK_API_KEY": server.key, "MIXPEEK_NAMESPACE": NAMESPACE}
    run = subprocess.run(
        [sys.executable, str(_CALLS)],
        input=json.dumps(calls),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=_CALLS.parent,
    )
    assert run.returncode == 0, run.stderr
    answered: dict[str, Any] = json.loads(run.stdout)
    return answered


@pytest.fixture(scope="module")
def tools(server: Server) -> dict[tuple[str, str], str]:
    """The name of the tool for each method and path."""
    with server.client() as client:
        assert client.post("/v1/namespaces", json={"namespace_name": NAMESPACE}).status_code == 200
    named = call_tools(server)["tools"]
    return {(method, path): name for name, (method, path) in named.items()}


def test_tool_for_every_get_and_post(server: Server, tools: dict[tuple[str, str], str]) -> None:
    with server.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    described = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if method in ("get", "post") and path.startswith("/v1/")
    }
    assert set(tools) == described


def test_tools_do_the_main_job(server: Server, tools: dict[tuple[str, str], str]) -> None:
    collection = {"collection_name": "plants", "source": {"type": "direct_upsert"}}
    documents = "/v1/collections/{collection_identifier}/documents"
    feature = {"feature_extractor_id": "leaf_extractor_v1", "vectors": {"leaf": [1.0, 0.0]}}
    in_plants = {"collection_identifier": "plants"}
    made, created, listed, counted = call_tools(
        server,
        (tools["POST", "/v1/collections"], {"body": collection}),
        (tools["POST", documents], {**in_plants, "body": {"genus": "Nephrolepis", "features": [feature]}}),
        (tools["POST", f"{documents}/list"], {**in_plants, "body": {"filters": {"genus": "Nephrolepis"}}}),
        (tools["GET", f"{documents}/count"], in_plants),
    )["answers"]
    assert made["collection_name"] == "plants"
    assert created["genus"] == "Nephrolepis"
    assert [row["document_id"] for row in listed["results"]] == [created["document_id"]]
    assert counted["count"] == 1


def test_undeclared_body_is_taken(server: Server, tools: dict[tuple[str, str], str]) -> None:
    """Called without a body, the package posts ``{"note": …}``."""
    (answer,) = call_tools(server, (tools["POST", "/v1/collections/list"], {}))["answers"]
    assert answer["total_count"] == len(answer["results"])


def test_refusal_reaches_the_caller(server: Server, tools: dict[tuple[str, str], str]) -> None:
    path = "/v1/collections/{collection_identifier}"
    (answer,) = call_tools(server, (tools["GET", path], {"collection_identifier": "nowhere"}))["answers"]
    assert (answer["error"], answer["status"]) == ("http_status", 404)
    assert "nowhere" in answer["detail"]
