"""Every route of the application, as ten kinds of callers, answers as the one access table says.

The routes come from the application, so a new one is tested as soon as it exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from headwater.http.access import ACCESS
from headwater.http.route import Route
from headwater.settings import Settings
from headwater.tenancy.keys import new_secret
from headwater.tenancy.permissions import PERMISSIONS

pytestmark = pytest.mark.anyio

OWN_EMAIL = "caller@example.com"
NAMESPACE_PARAMETERS = ("namespace_identifier", "namespace_id")
COLLECTION_PARAMETERS = ("collection_identifier", "collection_id")
BUCKET_PARAMETERS = ("bucket_identifier",)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"failed_keys_per_minute": 1_000_000})


@dataclass(frozen=True)
class World:
    """A namespace with a collection and a bucket, and a header for each kind of caller."""

    client: httpx2.AsyncClient
    routes: list[Route]
    namespace_id: str
    collection_id: str
    bucket_id: str
    headers: dict[str, str | None]


@pytest.fixture
async def world(app: Any, admin: httpx2.AsyncClient) -> World:
    namespace = (await admin.post("/v1/namespaces", json={"namespace_name": "home"})).json()["namespace_id"]
    await admin.post("/v1/namespaces", json={"namespace_name": "elsewhere"})
    made = await admin.post(
        "/v1/collections",
        json={"collection_name": "things", "source": {"type": "none"}},
        headers={"X-Namespace": namespace},
    )
    bucket = await admin.post(
        "/v1/buckets",
        json={"bucket_name": "things", "bucket_schema": {"properties": {}}},
        headers={"X-Namespace": namespace},
    )
    await admin.post("/v1/organizations/users", json={"email": OWN_EMAIL, "user_name": "Caller"})
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    headers = await callers(admin)
    del admin.headers["Authorization"]
    return World(admin, routes, namespace, made.json()["collection_id"], bucket.json()["bucket_id"], headers)


async def callers(admin: httpx2.AsyncClient) -> dict[str, str | None]:
    async def key(name: str, **body: Any) -> str:
        answer = await admin.post(f"/v1/organizations/users/{OWN_EMAIL}/api-keys", json={"name": name, **body})
        assert answer.status_code == 200, answer.text
        return f"Bearer {answer.json()['key']}"

    fresh = new_secret()
    elsewhere = [{"resource_type": "namespace", "resource_id": "elsewhere"}]
    headers: dict[str, str | None] = {
        "no key": None,
        "garbage": "Bearer garbage",
        "wrong checksum": "Bearer " + fresh[:-1] + ("a" if fresh[-1] != "a" else "b"),
        "unknown": f"Bearer {fresh}",
        "expired": await key("expired", expires_at="2020-01-01T00:00:00Z"),
        "revoked": await key("revoked"),
        "scoped elsewhere": await key("scoped", permissions=["admin"], scopes=elsewhere),
    }
    for permission in PERMISSIONS:
        headers[permission] = await key(permission, permissions=[permission])
    await admin.delete(f"/v1/organizations/users/{OWN_EMAIL}/api-keys/revoked")
    return headers


async def outcome(world: World, route: Route, caller: str, method: str | None = None) -> tuple[int, str | None]:
    """Status and ``error.type`` of the route, called with ids that name nothing so that nothing is changed."""
    values = dict.fromkeys(route.param_convertors, "nothing")
    if "user_email" in values and route.method == "GET":
        # One's own keys may be listed with ``read``; other people's are the service's matter.
        values["user_email"] = OWN_EMAIL
    if caller == "scoped elsewhere":
        # What is refused has to exist, else it would be missing before it is out of scope.
        values |= {name: world.namespace_id for name in NAMESPACE_PARAMETERS if name in values}
        values |= {name: world.collection_id for name in COLLECTION_PARAMETERS if name in values}
        values |= {name: world.bucket_id for name in BUCKET_PARAMETERS if name in values}
    headers = {"X-Namespace": world.namespace_id}
    authorization = world.headers[caller]
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = await world.client.request(
        method or route.method,
        route.path.format(**values),
        headers=headers,
        json=None if route.method == "GET" else {},
    )
    if answer.status_code < 400 or not answer.content:
        return answer.status_code, None
    return answer.status_code, answer.json()["error"]["type"]


def refusal(route: Route, caller: str) -> tuple[int, str] | None:
    """What the table promises this caller, or None when it is let in."""
    permission = ACCESS[route.method, route.path].permission
    if permission == "public":
        return None
    known = caller in PERMISSIONS or caller == "scoped elsewhere"
    if permission == "private" or not known:
        return 401, "UnauthorizedError"
    if permission == "any":
        return None
    if caller == "scoped elsewhere":
        return 403, "ForbiddenError"
    weaker = PERMISSIONS.index(caller) < PERMISSIONS.index(permission)  # type: ignore[arg-type]
    return (403, "ForbiddenError") if weaker else None


@pytest.mark.parametrize(
    "caller",
    ["no key", "garbage", "wrong checksum", "unknown", "expired", "revoked", "scoped elsewhere", *PERMISSIONS],
)
async def test_every_route_answers_as_the_table_says(world: World, caller: str) -> None:
    wrong = {}
    for route in world.routes:
        got, expected = await outcome(world, route, caller), refusal(route, caller)
        let_in = got[0] < 500 and got[1] not in ("UnauthorizedError", "ForbiddenError", "MethodNotAllowedError")
        if got != expected if expected is not None else not let_in:
            wrong[route.method, route.path] = (got, expected)
    assert wrong == {}
    assert len(world.routes) > 40


async def test_table_and_routes_are_the_same_set(world: World) -> None:
    assert {(route.method, route.path) for route in world.routes} == set(ACCESS)


async def test_head_needs_what_get_needs(world: World) -> None:
    wrong = {}
    for route in world.routes:
        if route.method == "GET":
            status, _ = await outcome(world, route, "no key", method="HEAD")
            expected = 401 if refusal(route, "no key") else 200
            # Nothing is there under the ids of this test, and a link that nobody signed opens nothing.
            if status != expected and not (expected == 200 and status in (403, 404)):
                wrong[route.path] = status
    assert wrong == {}


async def test_other_methods_reach_no_handler(world: World) -> None:
    methods_of: dict[str, set[str]] = {}
    for route in world.routes:
        methods_of.setdefault(route.path, set()).add(route.method)
    for route in world.routes:
        for method in {"PUT", "PATCH", "POST", "DELETE", "TRACE", "BREW"} - methods_of[route.path]:
            status, kind = await outcome(world, route, "no key", method=method)
            # A sibling such as ``/collections/{id}`` may have the method that ``/collections/list`` lacks.
            refused = {(405, "MethodNotAllowedError"), (401, "UnauthorizedError")}
            if method == "POST" and route.path.endswith("}"):
                refused = {(404, "NotFoundError")}
            assert (status, kind) in refused, (method, route.path)
        status, _ = await outcome(world, route, "no key", method="OPTIONS")
        assert status == 204, route.path


async def test_refusals_of_bad_keys_are_byte_identical(world: World) -> None:
    bodies = set()
    for caller in ("garbage", "wrong checksum", "unknown", "expired", "revoked"):
        authorization = world.headers[caller]
        assert authorization is not None
        answer = await world.client.get("/v1/me", headers={"Authorization": authorization})
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        bodies.add((answer.content, tuple(sorted(headers.items()))))
    assert len(bodies) == 1
