"""Two organizations of identical shape: nothing of one is visible or changeable with the key of the other.

Every place of every route that takes an id, in path, ``X-Namespace``, query and body, gets the other organization's
id and then a random one of the same form. The two answers must be the same bytes, bar the request id, the id itself
and what is minted anew. Routes and places come from the application; a new route needs nothing here, and a new kind of
id fails until its foreign value is named in ``Side.value``.
"""

from __future__ import annotations

import copy
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw
import httpx2
import pytest

from headwater.runtime import Runtime

from .described import Described, described_routes, leaves

pytestmark = pytest.mark.anyio

CANARY = "canary7f3a9"
#: Ids of things that only their names stand for here: no table has them, so any text is as foreign as another.
OPAQUE = {
    "bucket_ids",
    "cluster_id",
    "feature_extractor_id",
    "internal_id",
    "marketplace_listing_id",
    "principal_id",
    "root_bucket_id",
    "root_object_id",
    "source_object_id",
}
UNIQUE = (
    "bucket_name",
    "collection_name",
    "namespace_name",
    "organization_name",
    "retriever_name",
    "email",
    "name",
)
MINTED = re.compile(
    r"\b(?:sk_[0-9A-Za-z]{37}|sk_\w{7}\.\.\.|(?:doc|col|bkt|obj|upl|ns|usr|key|org|req|task|ret|exec)_[0-9a-z]{8,24}"
    r"|[0-9a-f]{64}|(?<=_ms\":)[\d.]+|(?<=\"version\":)\d+|\d{4}-\d\d-\d\dT[\d:.]+Z)"
)


@dataclass
class Side:
    """One organization: its client and one object of each kind."""

    client: httpx2.AsyncClient
    headers: dict[str, str]
    organization_id: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> list[str]:
        """Ids and names that this side has for a place called ``name``, the id first."""
        stem = re.sub(r"^(source|parent|root|target)_|s$", "", re.sub(r"s$", "", name))
        kind = stem.removesuffix("_identifier").removesuffix("_id").removesuffix("_name").removesuffix("_email")
        if name in OPAQUE:
            return [f"{name}_{CANARY}"]
        assert kind in self.values, f"no foreign value is known for {name!r}: name one in Side"
        return self.values[kind]


async def furnish(side: Side, mark: str) -> None:
    """One object of each kind, fresh."""
    client, headers = side.client, side.headers
    token = "".join(random.choices(string.ascii_lowercase, k=8))

    async def made(path: str, body: dict[str, Any], **more: str) -> dict[str, Any]:
        answer = await client.post(path, json=body, headers=headers | more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    namespace = await made("/v1/namespaces", {"namespace_name": f"{mark}-{token}", "description": mark})
    inside = {"X-Namespace": namespace["namespace_id"]}
    shelf = {"collection_name": f"{mark}_{token}", "description": mark, "source": {"type": "none"}}
    collection = await made("/v1/collections", shelf, **inside)
    holder = {"bucket_name": f"{mark}_{token}", "description": mark, "bucket_schema": {"properties": {}}}
    bucket = await made("/v1/buckets", holder, **inside)
    object_ = await made(f"/v1/buckets/{bucket['bucket_id']}/objects", {"mark": mark}, **inside)
    file = {"filename": f"{mark}.txt", "content_type": "text/plain", "create_object_on_confirm": False}
    upload = await made(f"/v1/buckets/{bucket['bucket_id']}/uploads", file, **inside)
    path = f"/v1/collections/{collection['collection_id']}/documents"
    content = {"brand": mark, "metadata": {"mark": mark}, "root_object_id": object_["object_id"]}
    feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [0.4, 0.1, 0.9]}}
    document = await made(path, content | {"features": [feature]}, **inside)
    change = {"filters": {"brand": "nobody's"}, "update_data": {"brand": mark}}
    task = await made(f"{path}/batch", change, **inside)
    stages = [{"stage_id": "attribute_filter", "parameters": {"conditions": {"brand": mark}}}]
    pipeline = {"retriever_name": f"{mark}-{token}", "description": mark, "stages": stages}
    retriever = await made("/v1/retrievers", pipeline, **inside)
    execution = await made(f"/v1/retrievers/{retriever['retriever_id']}/execute", {}, **inside)
    ad_hoc = await made("/v1/retrievers/execute", {"stages": stages}, **inside)
    user = await made("/v1/organizations/users", {"email": f"{token}@{mark}.x", "user_name": mark})
    key = await made(f"/v1/organizations/users/{user['email']}/api-keys", {"name": f"{mark}-{token}"})
    side.values = {
        "namespace": [namespace["namespace_id"], namespace["namespace_name"]],
        "collection": [collection["collection_id"], collection["collection_name"]],
        "document": [document["document_id"]],
        "task": [task["task_id"]],
        "bucket": [bucket["bucket_id"], bucket["bucket_name"]],
        "object": [object_["object_id"]],
        "retriever": [retriever["retriever_id"], retriever["retriever_name"]],
        "execution": [execution["execution_id"]],
        "ad hoc execution": [ad_hoc["execution_id"]],
        "upload": [upload["upload_id"]],
        "user": [user["email"]],
        "key": [key["key_id"], key["name"]],
        "organization": [side.organization_id],
    }


@pytest.fixture
async def sides(admin: httpx2.AsyncClient, runtime: Runtime) -> tuple[Side, Side]:
    token = (runtime.settings.data / "private-token").read_text().strip()
    answer = await admin.post(
        "/v1/private/organizations",
        json={"organization_name": CANARY, "metadata": {"mark": CANARY}},
        headers={"Authorization": f"Bearer {token}"},
    )
    foreign = answer.json()
    own_id = (await admin.get("/v1/me")).json()["organization_id"]
    own = Side(admin, {"Authorization": admin.headers["Authorization"]}, own_id)
    other = Side(admin, {"Authorization": f"Bearer {foreign['key']}"}, foreign["organization_id"])
    await furnish(own, "own")
    await furnish(other, CANARY)
    return own, other


@dataclass
class Request:
    """A request of one's own, in which single places can be replaced."""

    described: Described
    path: dict[str, str]
    headers: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    async def send(self, client: httpx2.AsyncClient, *replaced: str) -> tuple[int, str]:
        """Status and text of the answer, with what may differ taken out."""
        body, fresh = _with_fresh_names(self.body)
        answer = await client.request(
            self.described.route.method,
            self.described.route.path.format(**self.path),
            headers=self.headers,
            params=self.query,
            json=body,
        )
        text = answer.text
        for value in (*replaced, *fresh):
            text = text.replace(value, "<given>")
        return answer.status_code, MINTED.sub("<minted>", text)


def _with_fresh_names(body: dict[str, Any] | None) -> tuple[dict[str, Any] | None, list[str]]:
    # The same request is sent twice; its names must not clash with those of the first time.
    body, fresh = copy.deepcopy(body), []
    for holder, key in leaves(body):
        if key in UNIQUE and isinstance(holder[key], str) and not holder[key].startswith("<"):
            token = "".join(random.choices(string.ascii_lowercase, k=12))
            holder[key] = f"{token}@a.bc" if key == "email" else token
            fresh.append(holder[key])
    return body, fresh


def request_of(own: Side, described: Described) -> Request:
    path = {name: own.value(name)[0] for name in described.path_parameters}
    if described.route.path.startswith("/v1/retrievers/executions/"):
        path |= {"execution_id": own.values["ad hoc execution"][0]}
    headers = own.headers | ({"X-Namespace": own.value("namespace")[0]} if described.access.namespaced else {})
    return Request(described, path, headers, body=copy.deepcopy(described.body))


def twin(value: str) -> str:
    """A random value of the same form: nobody has it."""
    prefix, mark, rest = value.partition("_") if re.match(r"[a-z]{2,4}_", value) else ("", "", value)
    return prefix + mark + re.sub(r"[0-9a-z]", lambda _: random.choice("0123456789abcdef"), rest)


def places(own: Side, other: Side, described: Described) -> Iterator[tuple[str, Request, Request, list[str]]]:
    """What is replaced, the request with the foreign value, the one with a random value, and both values."""

    def pair(place: str, name: str, value: str, put: Any) -> tuple[str, Request, Request, list[str]]:
        foreign, unknown, nobody = request_of(own, described), request_of(own, described), twin(value)
        put(foreign, value)
        put(unknown, nobody)
        return f"{place} {name}", foreign, unknown, [value, nobody]

    for name in described.path_parameters:
        for value in other.value(name):
            yield pair("path", name, value, lambda request, given, name=name: request.path.update({name: given}))
    if described.access.namespaced:
        for value in other.value("namespace"):
            yield pair("header", "X-Namespace", value, lambda r, given: r.headers.update({"X-Namespace": given}))
    for name in described.query_ids:
        yield pair("query", name, other.value(name)[0], lambda r, given, name=name: r.query.update({name: given}))
    for name in described.body_ids:
        yield pair(
            "body", name, other.value(name)[0], lambda r, given, name=name: r.body.update({name: _shaped(name, given)})
        )


def _shaped(name: str, value: str) -> Any:
    return [value] if name.endswith("s") else value


def expected_missing(described: Described, place: str) -> bool:
    if place.startswith("header"):
        return not described.access.namespace_optional
    # A task that is not there needs no stopping, so that is no error.
    return place.startswith("path") and "kill_task" not in described.route.name


async def test_foreign_ids_look_like_random_ones(app: Any, sides: tuple[Side, Side], runtime: Runtime) -> None:
    own, other = sides
    wrong: list[Any] = []
    substitutions = 0
    for described in described_routes(app):
        if described.access.permission in ("public", "private"):
            continue
        # Fresh on both sides: an earlier route may have changed what is one's own, or taken the other's id for it.
        await furnish(own, "own")
        await furnish(other, CANARY)
        before = everything_of(runtime.reader.connection, other.organization_id)
        for place, foreign, unknown, values in places(own, other, described):
            got, expected = await foreign.send(own.client, *values), await unknown.send(own.client, *values)
            substitutions += 1
            status, text = got
            missing = status == 404 or not expected_missing(described, place)
            if got != expected or status >= 500 or CANARY in text or not missing:
                wrong.append((described.name, place, got, expected))
            if place.startswith("body"):
                # An id that may be chosen is one's own from now on.
                await furnish(own, "own")
        if everything_of(runtime.reader.connection, other.organization_id) != before:
            wrong.append((described.name, "changed what is not its own"))
    assert wrong == [], "\n".join(map(repr, wrong))
    assert substitutions > 80


async def test_whole_foreign_address_is_missing(app: Any, sides: tuple[Side, Side], runtime: Runtime) -> None:
    own, other = sides
    before = everything_of(runtime.reader.connection, other.organization_id)
    for described in described_routes(app):
        if described.access.permission in ("public", "private") or not described.path_parameters:
            continue
        request = request_of(other, described)
        request.headers["Authorization"] = own.headers["Authorization"]
        status, text = await request.send(own.client, *(value for kind in other.values.values() for value in kind))
        assert (status, CANARY in text) == (404, False), described.name
    assert everything_of(runtime.reader.connection, other.organization_id) == before


async def test_lists_and_counts_show_only_what_is_ones_own(app: Any, sides: tuple[Side, Side]) -> None:
    own, _ = sides
    for described in described_routes(app):
        if described.route.method == "GET" and described.access.permission not in ("public", "private"):
            status, text = await request_of(own, described).send(own.client)
            # /metrics counts all the requests of the process; routes are its only labels.
            assert status == 200, (described.name, text)
            assert CANARY not in text, described.name


async def test_cursor_of_another_organization_is_refused(sides: tuple[Side, Side]) -> None:
    own, other = sides
    inside = other.headers | {"X-Namespace": other.value("namespace")[0]}
    path = f"/v1/collections/{other.value('collection')[0]}/documents"
    await other.client.post(path, json={"brand": CANARY}, headers=inside)
    first = await other.client.get(path, params={"limit": 1}, headers=inside)
    cursor = first.json()["pagination"]["next_cursor"]
    assert cursor
    answer = await own.client.get(
        f"/v1/collections/{own.value('collection')[0]}/documents",
        params={"cursor": cursor},
        headers=own.headers | {"X-Namespace": own.value("namespace")[0]},
    )
    assert answer.status_code == 422
    assert CANARY not in answer.text


def everything_of(connection: apsw.Connection, organization_id: str) -> list[Any]:
    """All rows of the organization, except when its keys were last used."""
    namespaces = "SELECT namespace_row FROM namespaces WHERE organization_id = ?1"
    collections = f"SELECT collection_row FROM collections WHERE namespace_row IN ({namespaces})"
    queries = [
        "SELECT * FROM organizations WHERE organization_id = ?1",
        "SELECT * FROM users WHERE organization_id = ?1",
        "SELECT key_id, user_id, name, digest, status, expires_at, body FROM api_keys WHERE organization_id = ?1",
        "SELECT * FROM namespaces WHERE organization_id = ?1",
        f"SELECT * FROM collections WHERE namespace_row IN ({namespaces})",
        f"SELECT * FROM retrievers WHERE namespace_row IN ({namespaces})",
        f"SELECT * FROM documents WHERE namespace_row IN ({namespaces})",
        f"SELECT * FROM vectors WHERE collection_row IN ({collections})",
        f"SELECT * FROM collection_counts WHERE collection_row IN ({collections})",
    ]
    rows = [connection.execute(query, (organization_id,)).fetchall() for query in queries]
    assert all(rows), "every table has something of the organization"
    return rows
