"""Every document route, for every relation that an end user can have to a document.

A route that is not in ``TABLE`` fails ``test_every_document_route_is_in_the_table``. Add a row: its kind, and a body
if it takes one. Whatever the kind, an end user who may not see the document must get the very answer, byte for byte
and header for header, that came before the document existed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import httpx2
import pytest

from headwater.http.access import ACCESS
from headwater.http.route import Route

from .conftest import World, refusal

pytestmark = pytest.mark.anyio

#: ``read``, ``write`` and ``own`` name one document and need that right; ``object`` and ``empty`` name its root object
#: and need the rights to read and to write it; ``many`` shows or counts what may be read; ``each`` changes what may be
#: written and says so; ``matching`` changes that too, and says nothing of the rest; ``create`` and ``upsert`` bring an
#: id; ``free`` looks at no document; ``refused`` is not for end users at all.
Kind = Literal[
    "read",
    "write",
    "own",
    "many",
    "each",
    "matching",
    "create",
    "upsert",
    "object",
    "empty",
    "free",
    "refused",
]


@dataclass(frozen=True)
class Row:
    kind: Kind
    body: Callable[[str], dict[str, Any]] | None = None


_OF_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_ONE = _OF_COLLECTION + "/{document_id}"
_OF_NAMESPACE = "/v1/namespaces/{namespace_id}/documents"

TABLE: dict[tuple[str, str], Row] = {
    ("GET", _ONE): Row("read"),
    ("GET", "/v1/documents/{document_id}"): Row("read"),
    ("GET", _OF_NAMESPACE + "/{document_id}"): Row("read"),
    ("PUT", _ONE): Row("write", lambda document_id: {"brand": "new"}),
    ("PATCH", _ONE): Row("write", lambda document_id: {"brand": "new"}),
    ("DELETE", _ONE): Row("write"),
    ("PUT", "/v1/documents/{document_id}"): Row("write", lambda document_id: {"brand": "new"}),
    ("PATCH", "/v1/documents/{document_id}"): Row("write", lambda document_id: {"brand": "new"}),
    ("PATCH", _ONE + "/acl"): Row("own", lambda document_id: {"read": ["ruth"]}),
    ("GET", _ONE + "/lineage"): Row("read"),
    ("GET", _ONE + "/lineage/graph"): Row("read"),
    ("GET", _ONE + "/ancestors"): Row("read"),
    ("GET", _ONE + "/descendants"): Row("read"),
    ("GET", "/v1/documents/{document_id}/lineage/graph"): Row("read"),
    ("GET", "/v1/objects/{object_id}/documents"): Row("object"),
    ("GET", "/v1/objects/{object_id}/decomposition-tree"): Row("object"),
    ("DELETE", "/v1/objects/{object_id}/documents"): Row("empty"),
    ("POST", "/v1/documents/batch-get"): Row("many", lambda document_id: {"document_ids": [document_id, "other"]}),
    ("POST", _OF_COLLECTION): Row("create", lambda document_id: {"document_id": document_id}),
    ("POST", _OF_NAMESPACE + "/upsert"): Row(
        "upsert",
        lambda document_id: {"collection_id": "things", "documents": [{"document_id": document_id, "vectors": {}}]},
    ),
    ("POST", _OF_COLLECTION + "/batch"): Row(
        "each", lambda document_id: {"updates": [{"document_id": document_id, "update_data": {"brand": "new"}}]}
    ),
    ("DELETE", _OF_COLLECTION + "/batch"): Row("each", lambda document_id: {"document_ids": [document_id]}),
    ("PATCH", _OF_COLLECTION + "/bulk"): Row(
        "matching", lambda document_id: {"filters": {"document_id": document_id}, "update_data": {"brand": "new"}}
    ),
    ("POST", _OF_COLLECTION + "/schema/validate"): Row("free", lambda document_id: {"document_id": document_id}),
    ("GET", _OF_COLLECTION): Row("many"),
    ("POST", _OF_COLLECTION + "/list"): Row("many", lambda document_id: {"include_total": True, "explain": True}),
    ("GET", _OF_COLLECTION + "/count"): Row("many"),
    ("POST", "/v1/documents/list"): Row("many", lambda document_id: {"group_by": "brand"}),
    ("POST", "/v1/documents/list/batch"): Row("many", lambda document_id: {"queries": [{"key": "a", "request": {}}]}),
    ("POST", _OF_COLLECTION + "/aggregate"): Row(
        "many", lambda document_id: {"aggregations": [{"function": "count", "alias": "n"}]}
    ),
    ("POST", "/v1/features/search"): Row("many", lambda document_id: {"filters": {"document_id": document_id}}),
    ("POST", "/v1/documents/search"): Row(
        "many", lambda document_id: {"filters": {"brand": ["old", "new"]}, "facets": ["document_id"], "explain": True}
    ),
    ("POST", _OF_COLLECTION + "/distinct"): Row("many", lambda document_id: {"field": "document_id"}),
}

_ALL = {"stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}
_RETRIEVER = "/v1/retrievers/{retriever_identifier}"
#: ``everything`` is a retriever that the organization has made.
TABLE |= {
    ("POST", "/v1/retrievers/execute"): Row("many", lambda document_id: {"stages": [_ALL], "explain": True}),
    ("POST", _RETRIEVER + "/execute"): Row("many", lambda document_id: {"limit": 500, "explain": True}),
    ("POST", _RETRIEVER + "/execute/batch"): Row("many", lambda document_id: {"queries": [{"inputs": {}}]}),
}

#: For end users too, and about no document.
WITHOUT_DOCUMENTS = {
    ("GET", "/v1/me"),
    ("GET", "/v1/account"),
    ("POST", "/v1/tasks/list"),
    ("GET", "/v1/tasks/{task_id}"),
    ("DELETE", "/v1/tasks/{task_id}"),
    ("POST", "/v1/tasks/{task_id}/kill"),
}

#: Who asks, and whether the document is olga's, shared as ``World.make_shared`` does it; else it has no ACL.
RELATIONS = {
    "owner": ("olga", "shared"),
    "writer": ("walt", "shared"),
    "reader": ("rita", "shared"),
    "none": ("nina", "shared"),
    "public": ("nina", "public"),
    "no acl": ("olga", "no acl"),
    "organization": (None, "shared"),
}
HIDDEN = ("none", "no acl")
TAKEN = (409, "document_id_taken")
MISSING = (404, "document_not_found")
READ_ONLY = (403, "document_acl")


def expected(kind: Kind, relation: str) -> tuple[int, str | None]:
    """Status and error code."""
    if relation == "organization":
        return TAKEN if kind == "create" else (200, None)
    if kind == "refused":
        return 403, "principal_key"
    if kind in ("many", "each", "matching", "free"):
        return 200, None
    if kind == "create":
        return TAKEN
    if relation in HIDDEN and kind in ("object", "empty"):
        return 404, "object_not_found"
    if relation in HIDDEN:
        return TAKEN if kind == "upsert" else MISSING
    rights = {"read": HIDDEN, "object": HIDDEN} | dict.fromkeys(("write", "upsert", "empty"), ("reader", "public"))
    refused = rights.get(kind, ("reader", "public", "writer"))
    return READ_ONLY if relation in refused else (200, None)


def changed_by(kind: Kind, relation: str) -> bool:
    """Whether the document is another after the call."""
    if kind not in ("write", "each", "matching", "upsert", "own", "empty"):
        return False
    return relation in ("organization", "owner") or (relation == "writer" and kind != "own")


_numbers = count()


async def ask(world: World, principal: str | None, route: tuple[str, str], document_id: str) -> httpx2.Response:
    method, path = route
    body = TABLE[route].body
    names = {
        "collection_identifier": world.collection_id,
        "namespace_id": world.namespace_id,
        "document_id": document_id,
        "object_id": f"obj_of_{document_id}",
        "retriever_identifier": "everything",
    }
    return await world[principal].request(
        method, path.format(**names), json=None if body is None else body(document_id)
    )


@pytest.fixture(autouse=True)
async def everything(world: World) -> None:
    made = await world.org.post("/v1/retrievers", json={"retriever_name": "everything", "stages": [_ALL]})
    assert made.status_code == 200, made.text


async def place(world: World, document_id: str, state: str) -> None:
    body = {"brand": "old", "root_object_id": f"obj_of_{document_id}"}
    if state == "no acl":
        await world.make(document_id, **body)
    else:
        await world.make_shared(document_id, public=state == "public", **body)


def whole(answer: httpx2.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that the caller gets, but for the ids of the request itself and of its task, and how long it took."""
    headers = [
        (name, value) for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")
    ]
    return answer.status_code, re.sub(rb'(?:req|task|exec)_\w+|"\w+_ms":[\d.]+', b"", answer.content), headers


@pytest.mark.parametrize("route", TABLE, ids=lambda route: " ".join(route))
async def test_route_answers_as_the_relation_says(world: World, route: tuple[str, str]) -> None:
    kind = TABLE[route].kind
    got = {}
    for relation, (principal, state) in RELATIONS.items():
        document_id = f"doc_{next(_numbers)}"
        await place(world, document_id, state)
        before = await world.stored(document_id)
        answer = await ask(world, principal, route, document_id)
        got[relation] = refusal(answer)
        after = await world.org.get(f"/v1/documents/{document_id}")
        assert (after.json() != before) == changed_by(kind, relation), relation
    assert got == {relation: expected(kind, relation) for relation in RELATIONS}


@pytest.mark.parametrize(
    "route", [route for route, row in TABLE.items() if row.kind not in ("create", "upsert")], ids=lambda r: " ".join(r)
)
async def test_hidden_document_is_as_if_it_were_not_there(world: World, route: tuple[str, str]) -> None:
    for relation in ("none", "no acl", "public"):
        principal, state = RELATIONS[relation]
        document_id = f"doc_{next(_numbers)}"
        before = whole(await ask(world, principal, route, document_id))
        await place(world, document_id, state)
        after = whole(await ask(world, principal, route, document_id))
        if relation in HIDDEN:
            assert after == before, relation
        elif TABLE[route].kind not in ("free", "refused", "matching"):
            # The very same request tells a document that may be seen.
            assert after != before, relation


async def test_every_document_route_is_in_the_table(app: Any) -> None:
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    about = {
        (route.method, route.path)
        for route in routes
        if {"Documents", "Lineage"} & set(route.tags)
        or "/documents" in route.path
        or ACCESS[route.method, route.path].principals
    }
    assert about - WITHOUT_DOCUMENTS == set(TABLE)
    for route in TABLE:
        assert ACCESS[route].principals is (TABLE[route].kind != "refused"), route


async def test_no_other_route_is_for_end_users(world: World, app: Any) -> None:
    """Whatever permissions the key holds: the clients of ``world`` have ``admin``."""
    refused = []
    for route in (route for route in app.router.routes if isinstance(route, Route)):
        if ACCESS[route.method, route.path].permission in ("public", "private"):
            continue
        values = dict.fromkeys(route.param_convertors, "nothing")
        values |= {"collection_identifier": world.collection_id, "namespace_identifier": world.namespace_id}
        answer = await world["olga"].request(route.method, route.path.format(**values))
        if refusal(answer) == (403, "principal_key"):
            refused.append((route.method, route.path))
        else:
            assert ACCESS[route.method, route.path].principals, (route.method, route.path)
    assert ("DELETE", "/v1/collections/{collection_identifier}") in refused
    assert ("GET", "/v1/collections/{collection_identifier}") in refused
    assert ("GET", "/v1/namespaces/{namespace_identifier}/stats") in refused
    assert ("POST", "/v1/organizations/users/{user_email}/api-keys") in refused
