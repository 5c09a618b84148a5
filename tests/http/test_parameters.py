"""The short way to a function's parameters gives what FastAPI gives; it is taken where nothing is to be checked."""

from __future__ import annotations

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from pydantic import Field

from headwater.app import create_app
from headwater.http.access import ACCESS, Access
from headwater.http.dependencies import CurrentRuntime
from headwater.http.models import ClosedModel
from headwater.http.route import Route
from headwater.runtime import Runtime


async def agent(request: Request) -> str:
    return request.headers["user-agent"]


def sync_agent(request: Request) -> str:
    return request.headers["user-agent"]


async def with_query(request: Request, q: str = "") -> str:
    return q


Agent = Annotated[str, Depends(agent)]


async def all_direct(one: str, two: str, request: Request, who: Agent, runtime: CurrentRuntime) -> dict[str, Any]:
    return {"one": one, "two": two, "path": request.url.path, "who": who, "max": runtime.settings.max_json_depth}


async def path_number(one: str, two: int) -> None: ...


async def query_parameter(one: str, two: str, q: Annotated[str, Query()] = "") -> None: ...


async def header_parameter(one: str, two: str, h: Annotated[str, Header()] = "") -> None: ...


async def sync_dependency(one: str, two: str, who: Annotated[str, Depends(sync_agent)]) -> None: ...


async def dependency_with_query(one: str, two: str, q: Annotated[str, Depends(with_query)]) -> None: ...


async def two_bodies(one: str, two: str, body: dict[str, Any], other: dict[str, Any]) -> None: ...


async def page(limit: Annotated[int, Query(ge=1)] = 10, tags: Annotated[list[str] | None, Query()] = None) -> list[Any]:
    return [limit, tags]


class Body(ClosedModel):
    """A body with a default and a bound."""

    size: int = Field(3, le=5)


async def with_body(
    one: str, two: str, page: Annotated[list[Any], Depends(page)], body: Body | None = None
) -> dict[str, Any]:
    return {"page": page, "size": None if body is None else body.size}


PATH = "/v1/direct/{one}/{two}"


@pytest.mark.parametrize(
    "function",
    [path_number, query_parameter, header_parameter, sync_dependency, dependency_with_query, two_bodies],
)
def test_what_needs_a_check_goes_through_fastapi(function: Any) -> None:
    assert Route(PATH, function, methods=["POST"])._direct is None


@pytest.fixture
def direct_app(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setitem(ACCESS, ("GET", PATH), Access("public"))
    router = APIRouter(route_class=Route)
    router.get(PATH)(all_direct)
    return create_app(runtime, [router])


async def test_both_ways_give_the_same(direct_app: FastAPI) -> None:
    (route,) = (route for route in direct_app.router.routes if getattr(route, "path", "") == PATH)
    assert isinstance(route, Route)
    assert route._direct is not None
    transport = httpx2.ASGITransport(app=direct_app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        short = await client.get("/v1/direct/a%2Fb/caf%C3%A9", headers={"User-Agent": "test"})
        route._direct = None
        long = await client.get("/v1/direct/a%2Fb/caf%C3%A9", headers={"User-Agent": "test"})
    assert short.json() == {"one": "a/b", "two": "café", "path": "/v1/direct/a/b/café", "who": "test", "max": 64}
    assert long.json() == short.json()


@pytest.fixture
def app_with_body(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setitem(ACCESS, ("POST", PATH), Access("public"))
    router = APIRouter(route_class=Route)
    router.post(PATH)(with_body)
    return create_app(runtime, [router])


@pytest.mark.parametrize("query", ["", "?limit=2&tags=a&tags=b", "?limit=0", "?limit="])
@pytest.mark.parametrize(
    "content", [b"", b"null", b"{}", b'{"size": 4}', b'{"size": 9}', b'{"sise": 4}', b"[]", b"5", b'"x"']
)
async def test_both_ways_give_the_same_with_a_body(app_with_body: FastAPI, query: str, content: bytes) -> None:
    (route,) = (route for route in app_with_body.router.routes if getattr(route, "path", "") == PATH)
    assert isinstance(route, Route)
    assert route._direct is not None
    transport = httpx2.ASGITransport(app=app_with_body)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        headers = {"Content-Type": "application/json"}
        short = await client.post(f"/v1/direct/a/b{query}", content=content, headers=headers)
        route._direct = None
        long = await client.post(f"/v1/direct/a/b{query}", content=content, headers=headers)
    assert short.status_code == long.status_code
    assert _told(short) == _told(long)


def _told(answer: httpx2.Response) -> Any:
    told = answer.json()
    return told if answer.status_code == 200 else told["error"]["details"]["validation_errors"]
