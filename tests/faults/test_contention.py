"""Many clients on one document, and retries of one request, with kills in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from .api import Answer, Api, UnansweredError
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run

_CLIENTS = 16


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillRig]:
    folder = tmp_path_factory.mktemp("contention")
    with KillRig(folder / "data", folder / "log", seed_of_this_run()) as made:
        print(f"seed {made.seed}")
        made.first_start()
        yield made
        assert made.server.stop() == 0


def _path(rig: KillRig) -> str:
    return f"/v1/collections/{rig.collection_id}/documents"


def _at_once(rig: KillRig, act: Callable[[int, Api], Any], clients: int = _CLIENTS) -> list[Any]:
    """``act(number, api)`` in that many threads, started together; their results."""
    together = threading.Barrier(clients)
    results: list[Any] = [None] * clients

    def one(number: int) -> None:
        with rig.server.api(NAMESPACE) as api:
            together.wait()
            results[number] = act(number, api)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


def _insist(ask: Callable[[], Answer]) -> Answer:
    """Repeat a request that has no answer or a 503, as a careful client does. For requests that are safe to repeat."""
    for _ in range(500):
        try:
            answer = ask()
        except UnansweredError:
            threading.Event().wait(0.02)
            continue
        if answer.status != 503:
            return answer
    raise AssertionError("no answer after 500 attempts")


def test_different_fields_by_many_clients_all_stay(rig: KillRig) -> None:
    with rig.server.api(NAMESPACE) as api:
        document_id = api.post(_path(rig), {"start": True})["document_id"]

    def act(number: int, api: Api) -> None:
        for turn in range(10):
            api.ok("PATCH", f"{_path(rig)}/{document_id}", {f"field_{number}": turn})

    _at_once(rig, act)
    with rig.server.api(NAMESPACE) as api:
        found = api.get(f"{_path(rig)}/{document_id}")
    assert {name: found.get(name) for name in (f"field_{n}" for n in range(_CLIENTS))} == {
        f"field_{number}": 9 for number in range(_CLIENTS)
    }


def test_one_version_is_replaced_once(rig: KillRig) -> None:
    with rig.server.api(NAMESPACE) as api:
        document_id = api.post(_path(rig), {"owner": None})["document_id"]
        for _ in range(20):
            etag = api.request("GET", f"{_path(rig)}/{document_id}").headers["etag"]
            answers: list[Answer] = _at_once(
                rig,
                lambda number, api, etag=etag: api.request(
                    "PATCH", f"{_path(rig)}/{document_id}", {"owner": number}, If_Match=etag
                ),
            )
            won = [number for number, answer in enumerate(answers) if answer.status == 200]
            lost = {answer.error_type for answer in answers if answer.status != 200}
            assert len(won) == 1 and lost == {"PreconditionFailedError"}
            assert api.get(f"{_path(rig)}/{document_id}")["owner"] == won[0]


def test_counter_by_compare_and_set_counts_every_success_through_kills(rig: KillRig) -> None:
    """Each success adds one; a client that is told nothing looks before it tries again. No update is lost."""
    with rig.server.api(NAMESPACE) as api:
        document_id = api.post(_path(rig), {"count": 0, "by": {}})["document_id"]
    path = f"{_path(rig)}/{document_id}"
    done = threading.Event()

    def act(number: int, api: Api) -> int:
        successes = 0
        while not done.is_set() or successes == 0:
            now = _insist(lambda: api.request("GET", path))
            by = now.json["by"] | {f"client_{number}": successes + 1}
            change = {"count": now.json["count"] + 1, "by": by}
            try:
                answer = api.request("PATCH", path, change, If_Match=now.headers["etag"])
                happened = answer.status == 200
                assert happened or answer.status in (412, 500, 503), answer
                unknown = answer.status == 500
            except UnansweredError:
                unknown = True
            if unknown:
                found = _insist(lambda: api.request("GET", path)).json
                happened = found["by"].get(f"client_{number}", 0) == successes + 1
            successes += happened
        return successes

    killer = threading.Thread(target=_kill_now_and_then, args=(rig, done))
    killer.start()
    successes = _at_once(rig, act, clients=6)
    killer.join()
    rig.server.wait_ready()
    with rig.server.api(NAMESPACE) as api:
        found = api.get(path)
    assert found["count"] == sum(successes), f"seed {rig.seed}"
    assert found["by"] == {f"client_{number}": count for number, count in enumerate(successes)}


def _kill_now_and_then(rig: KillRig, done: threading.Event) -> None:
    for victim in ("worker", "storage", "storage", "worker"):
        threading.Event().wait(rig.choose.uniform(0.2, 0.6))
        rig.server.kill_one(victim, rig.choose)
    threading.Event().wait(0.5)
    done.set()


def test_same_key_at_once_has_one_effect_and_one_answer(rig: KillRig) -> None:
    body = {"marker": "fifty at once"}
    answers = _at_once(rig, lambda _, api: api.request("POST", _path(rig), body, Idempotency_Key="at-once"), clients=50)
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert _found(rig, "fifty at once") == [answers[0].json["document_id"]]


def test_same_key_after_a_restart_replays_and_another_body_conflicts(rig: KillRig) -> None:
    body = {"marker": "before the restart"}
    with rig.server.api(NAMESPACE) as api:
        first = api.request("POST", _path(rig), body, Idempotency_Key="restart")
    rig.server.kill()
    rig.server.start()
    with rig.server.api(NAMESPACE) as api:
        again = api.request("POST", _path(rig), body, Idempotency_Key="restart")
        other = api.request("POST", _path(rig), {"marker": "another"}, Idempotency_Key="restart")
    assert (again.status, again.body) == (200, first.body)
    assert (other.status, other.error_type) == (409, "ConflictError")
    assert _found(rig, "before the restart") == [first.json["document_id"]]


def test_same_key_after_a_kill_before_the_answer_has_one_effect(rig: KillRig) -> None:
    for attempt in range(6):
        marker = f"killed before the answer {attempt}"
        with rig.server.api(NAMESPACE) as api:
            killer = threading.Timer(rig.choose.uniform(0, 0.01), rig.server.kill_one, ("worker", rig.choose))
            killer.start()
            answers = [
                _insist(partial(api.request, "POST", _path(rig), {"marker": marker}, Idempotency_Key=marker))
                for _ in range(3)
            ]
            killer.join()
        assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
        assert _found(rig, marker) == [answers[0].json["document_id"]]
        rig.server.wait_ready()


def test_same_key_of_another_organization_is_another_key(rig: KillRig) -> None:
    token = (rig.server.data / "private-token").read_text().strip()
    with Api(rig.server.url, key=token) as private:
        made = private.post("/v1/private/organizations", {"organization_name": "Elsewhere"})
    with Api(rig.server.url, key=made["key"]) as foreign:
        foreign.post("/v1/namespaces", {"namespace_name": NAMESPACE})
    body = {"marker": "two organizations"}
    with (
        Api(rig.server.url, key=made["key"], namespace=NAMESPACE) as theirs,
        rig.server.api(NAMESPACE) as ours,
    ):
        theirs.post("/v1/collections", {"collection_name": "crash_target", "source": {"type": "none"}})
        path = "/v1/collections/crash_target/documents"
        one = ours.request("POST", path, body, Idempotency_Key="shared")
        other = theirs.request("POST", path, body, Idempotency_Key="shared")
    assert (one.status, other.status) == (200, 200)
    assert one.json["document_id"] != other.json["document_id"]


def _found(rig: KillRig, marker: str) -> list[str]:
    """The ids of all documents with that marker."""
    with rig.server.api(NAMESPACE) as api:
        documents = api.get(f"{_path(rig)}?limit=1000")["results"]
    return [document["document_id"] for document in documents if document.get("marker") == marker]
