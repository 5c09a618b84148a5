"""Random filters, orders, groups and counts over HTTP give what a plain reading of each document gives: with nothing
indexed, while indexes are being built, with them, and after a restart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Server, start_server
from tests.query import model
from tests.query.test_model import bodies, filters

PATHS = ["a", "b", "status", "metadata.a", "a.b", "created_at", "modality", "absent"]
DOCUMENTS = 250
Documents = list[dict[str, Any]]


class Warehouse:
    """A server, a collection in it, and its documents as a client reads them, in the order of lists."""

    def __init__(self, server: Server) -> None:
        self.client = server.client(**{"X-Namespace": "queries"})
        self.url = "/v1/collections/things/documents"
        self.documents: Documents = []

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, f"{path} {json.dumps(body)}: {answer.text}"
        return answer.json()

    def walk(self, body: dict[str, Any], limit: int = 100) -> Documents:
        found: Documents = []
        cursor = None
        while True:
            page = self.post(f"{self.url}/list", {**body, "limit": limit, "cursor": cursor})
            found += page["results"]
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                return found

    def read_all(self) -> None:
        self.documents = self.walk({})
        places = [(document["_internal"]["created_at"], document["document_id"]) for document in self.documents]
        assert places == sorted(places)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def started(directory: Path) -> Iterator[Callable[[], Warehouse]]:
    """Start the server, or start it again."""
    running: list[tuple[Server, httpx2.Client]] = []

    def stop() -> None:
        for server, client in running:
            client.close()
            assert server.stop() == 0
        running.clear()

    def start() -> Warehouse:
        stop()
        # Every other query is too much for the worker itself, and runs in a lane.
        server = start_server(directory, "--workers", "2", HEADWATER_QUERY_THREAD_ROWS="100")
        warehouse = Warehouse(server)
        running.append((server, warehouse.client))
        return warehouse

    yield start
    stop()


def fill(warehouse: Warehouse) -> None:
    warehouse.post("/v1/namespaces", {"namespace_name": "queries"})
    warehouse.post("/v1/collections", {"collection_name": "things", "source": {"type": "none"}})
    made: list[dict[str, Any]] = []

    @settings(max_examples=DOCUMENTS, deadline=None, derandomize=True, database=None)
    @given(body=bodies)
    def draw(body: dict[str, Any]) -> None:
        # A lineage_path is no user field.
        made.append({name: value for name, value in body.items() if name != "lineage_path"})

    draw()
    for body in made:
        warehouse.post(warehouse.url, body)
    warehouse.read_all()
    assert len(warehouse.documents) >= DOCUMENTS


def declare(warehouse: Warehouse, paths: list[str]) -> None:
    indexes = [{"field_name": path, "type": "keyword"} for path in paths]
    answer = warehouse.client.put("/v1/namespaces/queries", json={"payload_indexes": indexes})
    assert answer.status_code == 200, answer.text


def ensured(warehouse: Warehouse) -> bool:
    return bool(warehouse.post("/v1/namespaces/queries/ensure-indexes", None)["skipped"] == [])


def check(warehouse: Warehouse, examples: int) -> None:
    """So many random queries; the same ones in every run of the fast suite."""

    @settings(max_examples=examples, deadline=None, derandomize=examples < 100, database=None)
    @given(
        wanted=st.none() | filters,
        path=st.sampled_from(PATHS),
        descending=st.booleans(),
        limit=st.sampled_from([7, 90]),
    )
    def one(wanted: dict[str, Any] | None, path: str, descending: bool, limit: int) -> None:
        matching = [d for d in warehouse.documents if wanted is None or model.holds(d, wanted)]
        names = [document["document_id"] for document in matching]
        body: dict[str, Any] = {} if wanted is None else {"filters": wanted}
        assert [d["document_id"] for d in warehouse.walk(body, limit)] == names
        sort = {"field": path, "direction": "desc" if descending else "asc"}
        expected = [document["document_id"] for document in in_order(matching, path, descending)]
        assert [d["document_id"] for d in warehouse.walk({**body, "sort": sort}, limit)] == expected
        counted = warehouse.client.get(f"{warehouse.url}/count", params={"filters": json.dumps(wanted)}).json()
        assert counted["count"] == len(names)
        check_groups(warehouse, body, matching, path)

    one()


def check_groups(warehouse: Warehouse, body: dict[str, Any], matching: Documents, path: str) -> None:
    groups: dict[tuple[int, Any], list[str]] = {}
    for document in matching:
        for place in {rank for value in each(document, path) if (rank := rank_of(value))} or {(4, 0)}:
            groups.setdefault(place, []).append(document["document_id"])
    answer = warehouse.post(f"{warehouse.url}/list", {**body, "group_by": path, "limit": 1000})
    shown = [(group["count"], [d["document_id"] for d in group["documents"]]) for group in answer["groups"]]
    assert shown == [(len(groups[place]), groups[place][:10]) for place in sorted(groups)]


def each(document: dict[str, Any], path: str) -> Iterator[Any]:
    for value in model.at(document, path):
        yield from value if isinstance(value, list) else [value]


def rank_of(value: Any) -> tuple[int, Any] | None:
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else None


def in_order(documents: Documents, path: str, descending: bool) -> Documents:
    by_id = sorted(documents, key=lambda document: str(document["document_id"]))
    places = {d["document_id"]: [rank for value in each(d, path) if (rank := rank_of(value))] for d in by_id}
    valued = [document for document in by_id if places[document["document_id"]]]
    pick = max if descending else min
    valued.sort(key=lambda document: pick(places[document["document_id"]]), reverse=descending)
    return valued + [document for document in by_id if not places[document["document_id"]]]


def play(started: Callable[[], Warehouse], seed: int, examples: int) -> None:
    choose = random.Random(seed)
    warehouse = started()
    fill(warehouse)
    check(warehouse, examples)
    some = choose.sample([path for path in PATHS if path != "created_at"], 4)
    declare(warehouse, some)
    # As many of these as the job lane leaves time for are asked while the indexes are filled.
    check(warehouse, examples)
    while not ensured(warehouse):
        pass
    check(warehouse, examples)
    declare(warehouse, choose.sample([path for path in PATHS if path != "created_at"], 4))
    before = warehouse.documents
    warehouse = started()
    warehouse.read_all()
    assert warehouse.documents == before
    check(warehouse, examples)


def test_queries_mean_the_same_whatever_is_indexed_and_after_a_restart(started: Callable[[], Warehouse]) -> None:
    play(started, seed=1, examples=20)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_thousands_of_queries_mean_the_same(started: Callable[[], Warehouse], seed: int) -> None:
    play(started, seed, examples=500)
