"""The short way to a function's parameters gives what FastAPI gives; it is taken where nothing is to be checked."""

from __future__ import annotations

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request

from headwater.app import create_app
from headwater.http.access import ACCESS, Access
from headwater.http.dependencies import CurrentRuntime
from headwater.http.parameters import direct_parameters
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


async def body_parameter(one: str, two: str, body: dict[str, Any]) -> None: ...


PATH = "/v1/direct/{one}/{two}"


@pytest.mark.parametrize(
    "function",
    [path_number, query_parameter, header_parameter, sync_dependency, dependency_with_query, body_parameter],
)
def test_what_needs_a_check_goes_through_fastapi(function: Any) -> None:
    assert direct_parameters(Route(PATH, function, methods=["POST"]).dependant) is None


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
