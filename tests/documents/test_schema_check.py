"""Checking a document against the collection's schema stores nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from tests.documents.conftest import MakeCollection

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
SCHEMA = {"properties": {"metadata": {"properties": {"price": {"type": "number"}}}}, "required": ["brand"]}


@pytest.mark.parametrize("mode", ["off", "warn", "strict"])
async def test_violations_are_named_and_nothing_is_stored(
    api: httpx2.AsyncClient, make_collection: MakeCollection, mode: str
) -> None:
    await make_collection("things", document_schema=SCHEMA, schema_validation=mode)
    answer = await api.post(f"{PATH}/schema/validate", json={"metadata": {"price": "cheap"}, "root_object_id": "obj_1"})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["valid"], report["collection_id"], report["schema_validation"]) == (False, "col_things", mode)
    found = {(violation["path"], violation["validator"]) for violation in report["violations"]}
    assert found == {("metadata.price", "type"), ("", "required")}
    assert (await api.get(f"{PATH}/count")).json()["count"] == 0


async def test_it_agrees_with_a_create(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    closed = {"properties": {"brand": {}}, "additionalProperties": False}
    await make_collection("things", document_schema=closed, schema_validation="strict")
    bodies: list[tuple[dict[str, Any], bool]] = [
        ({"brand": 1, "collection_id": "things", "features": [], "source_type": "bucket"}, True),
        ({"brand": 1, "x": 1}, False),
        ({"metadata": {"x": 1}}, False),
    ]
    for body, valid in bodies:
        report = (await api.post(f"{PATH}/schema/validate", json=body)).json()
        assert report["valid"] == valid
        assert ((await api.post(PATH, json=body)).status_code == 200) == valid


async def test_without_a_schema_every_document_is_valid(api: httpx2.AsyncClient, things: Collection) -> None:
    report = (await api.post(f"{PATH}/schema/validate", json={"anything": 1})).json()
    assert report == {"valid": True, "violations": [], "collection_id": "col_things", "schema_validation": "off"}


async def test_a_body_that_could_not_be_stored_is_malformed(api: httpx2.AsyncClient, things: Collection) -> None:
    for body in ({"metadata": 1}, {"source_type": "x"}, [], None):
        assert (await api.post(f"{PATH}/schema/validate", json=body)).status_code == 422
    assert (await api.post("/v1/collections/nope/documents/schema/validate", json={})).status_code == 404
