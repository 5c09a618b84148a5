"""Random histories of several end users, compared with a model of twenty lines."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.store.commands.fields import LearnFieldPaths
from headwater.store.find import Budget, Query, count, find_page

from .conftest import PRINCIPALS, World, done

DOCUMENTS = ("a", "b", "c")
WHO = st.sampled_from([None, *PRINCIPALS])
LISTS = st.lists(st.sampled_from(PRINCIPALS), max_size=2, unique=True)
ACLS = st.fixed_dictionaries({}, optional={"read": LISTS, "write": LISTS, "public": st.booleans()})
STEPS = st.lists(
    st.tuples(
        WHO,
        st.sampled_from(["create", "upsert", "patch", "delete", "get", "share", "batch-get"]),
        st.sampled_from(DOCUMENTS),
        ACLS,
    ),
    min_size=10,
    max_size=30,
)


class Model:
    """What each document's ACL is; None is no ACL."""

    def __init__(self) -> None:
        self.acls: dict[str, dict[str, Any] | None] = {}

    def rights(self, who: str | None, name: str) -> str:
        """Some of ``rwo``: read, write, own."""
        if name not in self.acls:
            return ""
        acl = self.acls[name]
        if who is None or (acl is not None and acl.get("owner") == who):
            return "rwo"
        if acl is None:
            return ""
        return "rw" if who in acl["write"] else "r" if acl["public"] or who in acl["read"] else ""

    def expect(self, who: str | None, action: str, name: str, acl: dict[str, Any]) -> int:
        """The status to come; does what the action does."""
        rights, exists = self.rights(who, name), name in self.acls
        if action in ("create", "upsert"):
            return self._make(who, action, name, rights, exists)
        if not rights:
            return 404
        if action != "get" and {"share": "o"}.get(action, "w") not in rights:
            return 403
        if action == "delete":
            del self.acls[name]
        if action == "share" and acl:
            self.acls[name] = (self.acls[name] or {"read": [], "write": [], "public": False}) | acl
        return 200

    def _make(self, who: str | None, action: str, name: str, rights: str, exists: bool) -> int:
        if exists:
            return 409 if action == "create" or not rights else 200 if "w" in rights else 403
        self.acls[name] = None if who is None else {"owner": who, "read": [], "write": [], "public": False}
        return 200


async def perform(world: World, who: str | None, action: str, name: str, acl: dict[str, Any]) -> httpx2.Response:
    client, path = world[who], f"{world.documents}/{name}"
    if action == "create":
        return await client.post(world.documents, json={"document_id": name})
    if action == "upsert":
        body = {"collection_id": "things", "documents": [{"document_id": name, "vectors": {}}]}
        return await client.post(f"/v1/namespaces/{world.namespace_id}/documents/upsert", json=body)
    if action == "patch":
        return await client.patch(path, json={"by": who})
    if action == "delete":
        return await client.delete(path)
    return await client.get(path) if action == "get" else await client.patch(f"{path}/acl", json=acl)


def found_by_search(runtime: Any, principal: str | None) -> tuple[list[str], int]:
    """What searches show of ``things``, and how many documents they count."""
    connection, budget = runtime.reader.connection, Budget()
    row = "SELECT namespace_row, collection_row FROM collections WHERE collection_name = 'things'"
    namespace_row, collection_row = connection.execute(row).fetchone()
    query = Query(namespace_row, (collection_row,), principal=principal)
    with budget.watch(connection):
        page = find_page(connection, query, budget=budget)
        return sorted(found.document_id for found in page.documents), count(connection, query, budget=budget).total


async def check(world: World, runtime: Any, model: Model) -> None:
    for who in (None, *PRINCIPALS):
        visible = [name for name in DOCUMENTS if model.rights(who, name)]
        assert found_by_search(runtime, who) == (visible, len(visible)), who
    for name in DOCUMENTS:
        for who in (None, *PRINCIPALS):
            status = (await world[who].get(f"{world.documents}/{name}")).status_code
            assert (status == 200) == bool(model.rights(who, name)), (who, name)
        if name in model.acls:
            assert (await world.stored(name))["_internal"].get("_acl") == model.acls[name]


async def index_acls(runtime: Any) -> None:
    row = "SELECT namespace_row, collection_row FROM collections WHERE collection_name = 'things'"
    namespace_row, collection_row = runtime.reader.connection.execute(row).fetchone()
    paths = [f"_internal._acl.{name}" for name in ("owner", "read", "write", "public")]
    learned = await runtime.store.execute(
        LearnFieldPaths(namespace_row=namespace_row, collection_row=collection_row, paths=paths)
    )
    assert learned == {"added": paths}


@pytest.mark.anyio
@pytest.mark.parametrize("indexed", [False, True])
async def test_histories_agree_with_the_model(world: World, runtime: Any, indexed: bool) -> None:
    if indexed:
        await index_acls(runtime)

    async def play(steps: list[Any]) -> None:
        model = Model()
        for name in DOCUMENTS:
            await world.org.delete(f"{world.documents}/{name}")
        for who, action, name, acl in steps:
            if action == "batch-get":
                found = await done(world[who].post("/v1/documents/batch-get", json={"document_ids": DOCUMENTS}))
                seen = [document["document_id"] for document in found["documents"]]
                assert seen == [each for each in DOCUMENTS if model.rights(who, each)]
                continue
            expected = model.expect(who, action, name, acl)
            answer = await perform(world, who, action, name, acl)
            assert answer.status_code == expected, (who, action, name, answer.text)
        await check(world, runtime, model)

    loop = asyncio.get_running_loop()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def histories(steps: list[Any]) -> None:
        asyncio.run_coroutine_threadsafe(play(steps), loop).result()

    await asyncio.to_thread(histories)


@pytest.mark.anyio
async def test_long_names_that_begin_alike_are_two_in_the_index(world: World, runtime: Any) -> None:
    await index_acls(runtime)
    one, other = "x" * 255 + "y", "x" * 255 + "z"
    await world.make("a")
    await world.share("a", read=[one])
    assert found_by_search(runtime, one) == (["a"], 1)
    assert found_by_search(runtime, other) == ([], 0)
