"""The lineage routes against a dozen lines of Python, on random forests that grow and shrink in any order."""

from __future__ import annotations

import random
from typing import Any

import apsw
import httpx2
import pytest

from headwater.catalog.database import open_reader
from headwater.resources.documents import repository
from headwater.scope import DocumentScope
from headwater.settings import Settings
from headwater.store.documents import tree
from headwater.store.find import Budget

from .conftest import MakeCollection

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient
COLLECTIONS = ("films", "scenes", "shots")


class Forest:
    """What should be stored: documents in the order of their arrival, each with the parent that it names."""

    def __init__(self, seed: int, size: int) -> None:
        self.choose = random.Random(seed)
        self.parents = {
            f"d{number}": f"d{self.choose.randrange(number)}" if number and self.choose.random() < 0.8 else None
            for number in range(size)
        }
        self.stored: list[str] = []

    def collection(self, name: str) -> str:
        return COLLECTIONS[int(name[1:]) % 3]

    def ancestors(self, name: str) -> list[str]:
        parent = self.parents[name]
        return [] if parent is None or parent not in self.stored else [*self.ancestors(parent), parent]

    def children(self, name: str) -> list[str]:
        return [child for child in self.stored if self.parents[child] == name]

    def below(self, name: str) -> list[str]:
        return [each for child in self.children(name) for each in [child, *self.below(child)]]

    def root(self, name: str) -> str:
        """A document names no object unless it has no parent."""
        parent = self.parents[name]
        return f"obj_{name}" if parent is None else self.root(parent)


async def store(client: Client, forest: Forest, name: str) -> None:
    parent = forest.parents[name]
    body = {"root_object_id": f"obj_{name}"} if parent is None else {"source_document_id": parent}
    path = f"/v1/collections/{forest.collection(name)}/documents"
    answer = await client.post(path, json={"document_id": name, **body})
    assert answer.status_code == 200, answer.text
    forest.stored.append(name)


async def remove(client: Client, forest: Forest, name: str) -> None:
    answer = await client.delete(f"/v1/collections/{forest.collection(name)}/documents/{name}")
    assert answer.status_code == 200, answer.text
    forest.stored.remove(name)


async def compare(client: Client, forest: Forest, name: str) -> None:
    async def get(view: str) -> Any:
        answer = await client.get(f"/v1/collections/{forest.collection(name)}/documents/{name}/{view}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert [each["document_id"] for each in await get("ancestors")] == forest.ancestors(name)
    assert [each["document_id"] for each in await get("descendants")] == forest.children(name)
    graph = await get("lineage/graph")
    documents = {node["id"] for node in graph["nodes"] if node["kind"] == "document" and "missing" not in node}
    assert documents == {name, *forest.ancestors(name), *forest.below(name)}
    edges = {(edge["source"], edge["target"]) for edge in graph["edges"] if edge["kind"] == "parent_of"}
    assert edges == {(parent, each) for each in documents if (parent := forest.parents[each]) is not None}
    assert not graph["truncated"]


@pytest.mark.parametrize("seed", range(6))
async def test_any_forest_in_any_order(client: Client, make_collection: MakeCollection, seed: int) -> None:
    for name in COLLECTIONS:
        await make_collection(name)
    forest = Forest(seed, 24)
    order = list(forest.parents)
    forest.choose.shuffle(order)
    for count, name in enumerate(order):
        await store(client, forest, name)
        if count % 4 == 3:
            await remove(client, forest, forest.choose.choice(forest.stored))
        if count % 6 == 5:
            await compare(client, forest, forest.choose.choice(forest.stored))
    # What was deleted comes again, late; then every chain is whole.
    for name in [name for name in order if name not in forest.stored]:
        await store(client, forest, name)
    for name in forest.stored:
        await compare(client, forest, name)
    await compare_objects(client, forest)


async def compare_objects(client: Client, forest: Forest) -> None:
    for root in {forest.root(name) for name in forest.stored}:
        expected = [name for name in forest.stored if forest.root(name) == root]
        answer = (await client.get(f"/v1/objects/{root}/documents")).json()
        assert [each["document_id"] for each in answer["documents"]] == expected
        found = (await client.get(f"/v1/objects/{root}/decomposition-tree?include_document_ids=1")).json()
        waiting, named = list(found["tree"]), []
        while waiting:
            node = waiting.pop()
            named += node["document_ids"]
            waiting += node["children"]
        assert sorted(named) == sorted(expected)


@pytest.fixture
def connection(settings: Settings, runtime: Any) -> Any:
    opened = open_reader(settings.data)
    yield opened
    opened.close()


def plans_of(connection: apsw.Connection, read: Any) -> list[str]:
    """The query plans of all statements of documents that ``read`` executes."""
    statements: list[tuple[str, Any]] = []
    connection.exec_trace = lambda _, sql, bindings: statements.append((sql, bindings)) or True
    read()
    connection.exec_trace = None
    return [
        "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings))
        for sql, bindings in statements
    ]


@pytest.mark.parametrize(
    ("index", "read"),
    [
        ("documents_by_parent", lambda connection, scope: tree.children(connection, scope, "d", 10)),
        (
            "documents_by_root",
            lambda connection, scope: repository.members_of_object(connection, Budget(), scope, "obj"),
        ),
        ("documents_by_root", lambda *scoped: repository.rows_of_object(scoped[0], Budget(), scoped[1], "obj")),
    ],
)
def test_reads_use_their_index(connection: apsw.Connection, index: str, read: Any) -> None:
    plans = plans_of(connection, lambda: read(connection, DocumentScope(1)))
    assert plans
    for plan in plans:
        assert f"INDEX {index}" in plan
        assert "SCAN d" not in plan
        assert "TEMP B-TREE" not in plan
