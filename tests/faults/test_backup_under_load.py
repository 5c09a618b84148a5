"""A backup that is taken while clients write, restored elsewhere."""

from __future__ import annotations

from pathlib import Path

from .audit import all_documents
from .command import headwater
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run
from .live_server import LiveServer
from .oracle import fields_of


def test_backup_under_load_has_everything_acknowledged_before(tmp_path: Path) -> None:
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run()) as rig:
        print(f"seed {rig.seed}")
        rig.first_start()
        # Two writers are done before the backup begins: their documents must be in it exactly. Two write on.
        rig.load(operations=30)
        rig.join_writers()
        settled = [rig.oracles[0], rig.oracles[1]]
        rig.load_only(rig.oracles[2:])
        rig.wait_for_acknowledgements(20)
        archive = tmp_path / "backup.tar"
        made = headwater("backup", str(archive), "--data", str(rig.server.data))
        assert made.status == 0, made.output
        rig.wait_for_acknowledgements(5)
        rig.stop_writers()
        rig.audit("after the backup")
        expected = {document_id: known.certain for oracle in settled for document_id, known in oracle.documents.items()}
        known_later = {key for oracle in rig.oracles for key in oracle.documents}
        key = rig.server.key
        assert rig.server.stop() == 0

    restored = tmp_path / "restored"
    done = headwater("restore", str(archive), "--data", str(restored))
    assert done.status == 0, done.output
    with LiveServer(restored, log=tmp_path / "log-restored") as server:
        server.start()
        assert server.key == key
        with server.api(NAMESPACE) as api:
            path = f"/v1/collections/{rig.collection_id}/documents"
            found = {str(document["document_id"]): document for document in all_documents(api, path)}
        for document_id, state in expected.items():
            if state is None:
                assert document_id not in found, f"seed {rig.seed}: {document_id} is back"
            else:
                assert document_id in found, f"seed {rig.seed}: {document_id} is missing"
                assert state.difference(found[document_id]) is None, f"seed {rig.seed}: {document_id}"
        invented = [fields_of(found[key]) for key in found if key not in known_later]
        assert not invented, f"seed {rig.seed}: {invented}"
        verified = headwater("verify", "--data", str(restored))
        assert verified.status == 0, verified.output
        assert server.stop() == 0
