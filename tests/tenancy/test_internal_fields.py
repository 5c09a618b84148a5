"""Fields that are the server's own, sent in the body of every route that changes something: ignored or refused."""

from __future__ import annotations

from typing import Any

import apsw
import httpx2
import pytest

from headwater.runtime import Runtime

from .described import described_routes
from .test_tenant_isolation import Side, furnish, request_of

pytestmark = pytest.mark.anyio

EVIL = "evil5d2b1"
#: Bodies with fields of the user's own, and those of which clients send more than is declared: that is warned of.
OPEN = {"documents", "objects", "retrievers", "uploads"}
#: Nothing was put where these look for a file, so they answer 404 whatever else they are sent.
WITHOUT_BYTES = {"/v1/buckets/{bucket_identifier}/uploads/{upload_id}/confirm"}
INTERNAL: dict[str, Any] = {
    "organization_id": EVIL,
    "internal_id": EVIL,
    "_internal": {"internal_id": EVIL, "namespace_id": EVIL, "lineage": {"path": EVIL}, "created_at": EVIL},
    "namespace_row": EVIL,
    "key_hash": EVIL,
    "digest": EVIL,
    "user_id": EVIL,
    "created_by": EVIL,
    "created_at": EVIL,
    "updated_at": EVIL,
    "searchable_at": EVIL,
    "sequence": EVIL,
}


@pytest.fixture
async def own(admin: httpx2.AsyncClient) -> Side:
    organization_id = (await admin.get("/v1/me")).json()["organization_id"]
    side = Side(admin, {"Authorization": admin.headers["Authorization"]}, organization_id)
    await furnish(side, "own")
    return side


def stored_evil(connection: apsw.Connection) -> list[tuple[str, str]]:
    """Table and column of every place outside of the user's own fields that holds the mark."""
    found = []
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        for column in [row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]:
            # What is not a field of ours is data of the document; `operations` keeps answers, which show that data.
            if (table, column) in {("documents", "body"), ("operations", "outcome")}:
                continue
            query = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST(? AS BLOB))"
            if connection.execute(query, (EVIL,)).get:
                found.append((table, column))
    return found


async def test_internal_fields_never_reach_what_they_name(app: Any, own: Side, runtime: Runtime) -> None:
    accepted = []
    for described in described_routes(app):
        if described.body is None or described.access.permission in ("public", "private"):
            continue
        await furnish(own, "own")
        for name, value in INTERNAL.items():
            if name in described.body:
                continue
            request = request_of(own, described)
            request.body = {**(request.body or {}), name: value}
            if "collection_identifiers" in request.body:
                request.body["collection_identifiers"] = own.value("collection_identifier")
            status, text = await request.send(own.client)
            if described.route.path not in WITHOUT_BYTES:
                assert status in (200, 400, 403, 422), (described.name, name, status, text)
            if status == 200:
                accepted.append((described.name, name))
            assert stored_evil(runtime.reader.connection) == [], (described.name, name)
    # Open bodies and those that only read take them; a closed one never does.
    assert {route for route, _ in accepted} <= {
        described.name
        for described in described_routes(app)
        if OPEN.intersection(described.route.path.split("/")) or described.access.permission == "read"
    }


async def test_created_document_belongs_to_its_real_organization(own: Side) -> None:
    answer = await own.client.post(
        f"/v1/collections/{own.value('collection')[0]}/documents",
        json={"brand": "Acme", **{name: INTERNAL[name] for name in ("internal_id", "organization_id", "_internal")}},
        headers=own.headers | {"X-Namespace": own.value("namespace")[0]},
    )
    assert answer.status_code == 200
    internal = answer.json()["_internal"]
    assert internal["internal_id"] == own.organization_id
    assert internal["namespace_id"] == own.value("namespace")[0]
    assert EVIL not in str(internal)
