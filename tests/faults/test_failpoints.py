"""The process ends at each named step between commit and answer, and in each step of a checkpoint and of a swap."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from headwater.kit.failpoints import FAILPOINTS

from .audit import all_documents
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run
from .storage_socket import StorageSocket

_CONVERGED_WITHIN_SECONDS = 30


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillRig]:
    """One data directory for all failpoints: each finds the remains of the ones before."""
    folder = tmp_path_factory.mktemp("failpoints")
    quiet = {"HEADWATER_INDEX_THRESHOLD": "100000"}  # builds when this test asks for them only
    with KillRig(folder / "data", folder / "log", seed_of_this_run(), quiet) as made:
        made.first_start()
        made.load(operations=40)
        made.join_writers()
        made.audit("before")
        made.quiet_state = _everything(made)
        assert made.server.stop() == 0
        yield made
        made.server.ensure_dead()
        made.server.start()
        assert _everything(made) == made.quiet_state, "the last restart changed something"


#: What ends the job lane is in ``test_transfers``, what ends a worker in ``test_objects``.
_OF_THE_STORE = sorted(
    name for name in FAILPOINTS if not name.startswith(("export.", "import.", "clone.", "blob", "upload."))
)


@pytest.mark.parametrize("name", _OF_THE_STORE)
def test_failpoint_exit_loses_nothing(rig: KillRig, name: str) -> None:
    print(f"seed {rig.seed}")
    rig.server.ensure_dead()  # a failed test before this one may have left it running
    nth = rig.choose.randint(2, 12) if name.startswith(("commit", "index", "apply", "answer")) else 1
    rig.server.start(environment={"HEADWATER_FAILPOINTS": f"{name}=exit@{nth}"})
    # This start is the second one after the failpoint before: it finds nothing left to repair.
    assert _everything(rig) == rig.quiet_state, f"the restart before {name} changed something"
    _reach(rig, name)
    rig.server.kill()
    rig.stop_writers()
    rig.server.start()
    _wait_converged(rig)
    rig.audit(f"failpoint {name}")
    rig.quiet_state = _everything(rig)
    assert rig.server.stop() == 0


def _reach(rig: KillRig, name: str) -> None:
    """Load the server until the failpoint has ended its process. Nothing else ends it, so a failpoint that is not
    crossed any more fails here."""
    victims = rig.server.pids("storage")
    rig.load()
    rig.wait_for_acknowledgements(1)
    if name.startswith("checkpoint"):
        _ask(rig, "checkpoint")
    elif name.startswith("generation"):
        with StorageSocket(rig.server.data) as storage:
            row = storage.collection_row(rig.collection_id)
        _ask(rig, "execute", {"command": "RequestBuild", "collection_row": row})
    if name == "generation.built":
        rig.wait_until(lambda: _builder_failed(rig))
    else:
        rig.wait_until(lambda: rig.server.pids("storage") != victims)


def _ask(rig: KillRig, kind: str, body: object = None) -> None:
    with StorageSocket(rig.server.data) as storage:
        try:
            storage.ask(kind, body)
        except ConnectionError:
            return  # that was the failpoint


def _builder_failed(rig: KillRig) -> bool:
    with StorageSocket(rig.server.data) as storage:
        found = storage.database.execute(
            "SELECT 1 FROM jobs WHERE kind = 'index.build' AND state != 'completed' AND error LIKE '%-9%'"
        ).fetchone()
    time.sleep(0.05)
    return found is not None


def _wait_converged(rig: KillRig) -> None:
    """No build waits or runs, no generation is half made, no directory is left that nothing names."""
    deadline = time.monotonic() + _CONVERGED_WITHIN_SECONDS
    with StorageSocket(rig.server.data) as storage:
        while unfinished := _unfinished(rig, storage):
            assert time.monotonic() < deadline, f"seed {rig.seed}: {unfinished}\n{rig.server.tail()}"
            time.sleep(0.05)


def _unfinished(rig: KillRig, storage: StorageSocket) -> list[object]:
    jobs = storage.database.execute(
        "SELECT job_id, state, attempts, error FROM jobs WHERE kind = 'index.build' AND state IN ('pending', 'running')"
    ).fetchall()
    generations = storage.database.execute("SELECT collection_row, generation, state FROM generations").fetchall()
    half_made = [row for row in generations if row[2] != "live"]
    named = {f"{row}-{generation}" for row, generation, _ in generations}
    unnamed = [path.name for path in (rig.server.data / "vectors").iterdir() if path.name not in named]
    return [*jobs, *half_made, *unnamed]


def _everything(rig: KillRig) -> tuple[object, object]:
    """All documents, and the directories of the index."""
    with rig.server.api(NAMESPACE) as api:
        path = f"/v1/collections/{rig.collection_id}/documents"
        documents = sorted(all_documents(api, path), key=lambda document: document["document_id"])
    return documents, sorted(path.name for path in (rig.server.data / "vectors").iterdir())
