"""Files that were changed behind the server's back: found, named, and never served as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange

from .audit import all_documents
from .command import headwater
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run
from .live_server import LiveServer
from .oracle import VECTOR, packed
from .storage_socket import StorageSocket, nearest, open_reader

#: Documents come from the database, so what stands for it is checked hardest; the lock and the reserve hold nothing.
_WITHOUT_CONTENT = {"lock", "reserve", "admin-key", "private-token"}


@dataclass
class Sound:
    """A stopped data directory with a built and flushed index, and what it holds."""

    data: Path
    collection_id: str
    documents: dict[str, dict[str, object]]

    def clone(self, target: Path) -> Path:
        # The index maps files that are much larger than what they hold; a plain copy would write all of that.
        subprocess.run(["cp", "-a", "--sparse=always", str(self.data), str(target)], check=True)
        return target


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    folder = tmp_path_factory.mktemp("sound")
    with KillRig(folder / "data", folder / "log", seed_of_this_run()) as rig:
        print(f"seed {rig.seed}")
        rig.first_start()
        rig.load(operations=60)
        rig.join_writers()
        rig.audit("before any damage")
        with rig.server.api(NAMESPACE) as api:
            found = all_documents(api, f"/v1/collections/{rig.collection_id}/documents")
            documents = {str(document["document_id"]): document for document in found}
        assert rig.server.stop() == 0
        made = headwater("rebuild", "--data", str(rig.server.data))
        assert made.status == 0, made.output
        yield Sound(rig.server.data, rig.collection_id, documents)


# -- files --------------------------------------------------------------------------------------------------------


def _flip(path: Path, choose: random.Random) -> None:
    size = path.stat().st_size
    at = choose.randrange(max(size - 8, 1))
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(8)
        file.seek(at)
        file.write(bytes(byte ^ 0xFF for byte in old))


def _truncate(path: Path, choose: random.Random) -> None:
    os.truncate(path, choose.randrange(path.stat().st_size))


def _delete(path: Path, choose: random.Random) -> None:
    path.unlink()


_DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {"flip": _flip, "truncate": _truncate, "delete": _delete}


def _damageable(data: Path) -> list[Path]:
    files = (path.relative_to(data) for path in sorted(data.rglob("*")) if path.is_file() and path.stat().st_size)
    return [path for path in files if path.parts[0] not in _WITHOUT_CONTENT]


def _check(sound: Sound, tmp_path: Path, file: Path, damage: str, seed: int) -> None:
    """Damage one file: ``verify`` names it or finds nothing amiss, and then everything is served as it was."""
    data = sound.clone(tmp_path / "data")
    _DAMAGES[damage](data / file, random.Random(seed))
    case = f"seed {seed}: {damage} {file}"
    verified = headwater("verify", "--data", str(data))
    assert verified.status in (0, 1), f"{case}: {verified.output}"
    assert "Traceback" not in verified.output, f"{case}: {verified.output}"
    with LiveServer(data, log=tmp_path / "log") as server:
        try:
            server.start(await_health=False, timeout_seconds=20)
        except AssertionError:
            # Refusing to start is no silent damage, as long as verify told why.
            assert verified.status == 1, f"{case}: no start, and verify is content\n{server.tail()}"
            return
        _assert_honest(server, sound, case, verified.status == 0)
    if file.parts[0] == "vectors":
        rebuilt = headwater("rebuild", "--data", str(data))
        assert rebuilt.status == 0, f"{case}: {rebuilt.output}"
        again = headwater("verify", "--data", str(data))
        assert again.status == 0, f"{case}, after rebuild: {again.output}"
    shutil.rmtree(data)


def _assert_honest(server: LiveServer, sound: Sound, case: str, whole: bool) -> None:
    """No 200 with fewer or changed documents; everything, also by its vector, when verify found nothing."""
    path = f"/v1/collections/{sound.collection_id}/documents"
    with server.api(NAMESPACE) as api:
        for document_id, expected in sound.documents.items():
            answer = api.request("GET", f"{path}/{document_id}?return_vectors=true")
            if answer.status == 200:
                found = answer.json
                # Null says "not searchable at the moment", which is what a damaged index may say.
                assert found.pop("searchable_at") in (expected["searchable_at"], None), case
                known = {name: value for name, value in expected.items() if name != "searchable_at"}
                assert found == known, f"{case}: {document_id} changed"
            else:
                assert answer.status in (401, 503), f"{case}: {document_id}: {answer}"
                assert not whole, f"{case}: verify is content, and {document_id} answers {answer.status}"
        page = api.request("GET", f"{path}?limit=1000")
        if page.status == 200:
            listed = {document["document_id"] for document in page.json["results"]}
            assert listed == set(sound.documents), f"{case}: the list is another"
    if whole:
        _assert_found(server, sound, case)


def _assert_found(server: LiveServer, sound: Sound, case: str) -> None:
    with StorageSocket(server.data) as storage:
        for document_id, document in list(sound.documents.items())[:50]:
            vector = packed(document[VECTOR])  # type: ignore[arg-type]
            assert nearest(storage, document_id, vector) == document_id, f"{case}: {document_id} is not found"


def test_damaged_file_is_found_or_harmless(sound: Sound, tmp_path: Path) -> None:
    """A sample: the database each way, and some index files."""
    seed = seed_of_this_run()
    choose = random.Random(seed)
    index = [path for path in _damageable(sound.data) if path.parts[0] == "vectors"]
    cases = [(Path("headwater.db"), "flip"), (Path("headwater.db"), "truncate")]
    cases += [(path, choose.choice(sorted(_DAMAGES))) for path in choose.sample(index, 3)]
    for number, (file, damage) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        _check(sound, folder, file, damage, choose.randrange(2**32))


@pytest.mark.long
@pytest.mark.parametrize("damage", sorted(_DAMAGES))
def test_every_damaged_file_is_found_or_harmless(sound: Sound, tmp_path: Path, damage: str) -> None:
    choose = random.Random(seed_of_this_run())
    for number, file in enumerate(_damageable(sound.data)):
        folder = tmp_path / str(number)
        folder.mkdir()
        _check(sound, folder, file, damage, choose.randrange(2**32))


def test_rebuild_restores_a_vanished_index_whole(sound: Sound, tmp_path: Path) -> None:
    data = sound.clone(tmp_path / "data")
    shutil.rmtree(data / "vectors")
    assert headwater("verify", "--data", str(data)).status == 1
    assert headwater("rebuild", "--data", str(data)).status == 0
    verified = headwater("verify", "--data", str(data))
    assert verified.status == 0, verified.output
    with LiveServer(data, log=tmp_path / "log") as server:
        server.start()
        _assert_honest(server, sound, "vanished index", whole=True)
        assert server.stop() == 0


# -- planted drift ------------------------------------------------------------------------------------------------


def _writable(data: Path):  # type: ignore[no-untyped-def]
    import apsw

    return apsw.Connection(str(data / "headwater.db"))


def _row_of(data: Path, document_id: str) -> int:
    connection = open_reader(data)
    try:
        return int(connection.execute("SELECT document_row FROM documents WHERE document_id = ?", (document_id,)).get)
    finally:
        connection.close()


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_verify_names_each_planted_difference(sound: Sound, tmp_path: Path, running: bool) -> None:
    data = sound.clone(tmp_path / "data")
    record_gone, vectors_changed, body_changed, point_gone = list(sound.documents)[:4]
    connection = _writable(data)
    connection.execute("DELETE FROM documents WHERE document_id = ?", (record_gone,))
    connection.execute(
        "UPDATE vectors SET checksum = checksum + 1 WHERE document_row = ?", (_row_of(data, vectors_changed),)
    )
    connection.execute("UPDATE documents SET body = x'7b7d' WHERE document_id = ?", (body_changed,))
    connection.close()
    _change_index(data, [PointChange(_row_of(data, point_gone), 1, None)])
    verified = _verify(data, tmp_path / "log", running)
    assert verified.status == 1, verified.output
    for document_id in (vectors_changed, body_changed, point_gone):
        assert document_id in verified.output, f"{document_id} is not named:\n{verified.output}"
    assert "has vectors but no record" in verified.output


def test_verify_names_a_field_index_that_drifted_and_rebuild_mends_it(sound: Sound, tmp_path: Path) -> None:
    data = sound.clone(tmp_path / "data")
    connection = _writable(data)
    connection.execute("DELETE FROM field_values WHERE document_id = ?", (next(iter(sound.documents)),))
    connection.close()
    verified = headwater("verify", "--data", str(data))
    assert verified.status == 1
    assert f"field index {sound.collection_id}/marker: lacks 1 of" in verified.output
    assert headwater("rebuild", "--data", str(data)).status == 0
    again = headwater("verify", "--data", str(data))
    assert again.status == 0, again.output


def test_verify_names_every_document_of_an_emptied_shard(sound: Sound, tmp_path: Path) -> None:
    data = sound.clone(tmp_path / "data")
    rows = {document_id: _row_of(data, document_id) for document_id in sound.documents}
    _change_index(data, [PointChange(row, 1, None) for row in rows.values()])
    verified = headwater("verify", "--data", str(data))
    assert verified.status == 1
    missing = [document_id for document_id in rows if document_id not in verified.output]
    assert len(missing) <= max(0, len(rows) - 200), verified.output[-3000:]


def test_planted_record_damage_is_never_served(sound: Sound, tmp_path: Path) -> None:
    data = sound.clone(tmp_path / "data")
    damaged, *others = list(sound.documents)[:5]
    connection = _writable(data)
    connection.execute("UPDATE documents SET body = x'7b7d' WHERE document_id = ?", (damaged,))
    connection.close()
    path = f"/v1/collections/{sound.collection_id}/documents"
    with LiveServer(data, log=tmp_path / "log") as server:
        server.start()
        with server.api(NAMESPACE) as api:
            refused = api.request("GET", f"{path}/{damaged}")
            assert (refused.status, refused.error_type) == (503, "StorageCorruptedError")
            for document_id in others:
                assert api.request("GET", f"{path}/{document_id}").status == 200
        assert server.stop() == 0


def _change_index(data: Path, changes: list[PointChange]) -> None:
    (folder,) = (data / "vectors").iterdir()
    shard = EdgeShard.open(folder)
    shard.apply(changes, [])
    shard.flush()
    shard.close()


def _verify(data: Path, log: Path, running: bool):  # type: ignore[no-untyped-def]
    if not running:
        return headwater("verify", "--data", str(data))
    with LiveServer(data, log=log) as server:
        server.start(await_health=False)
        return headwater("verify", "--data", str(data))
