"""After all kinds of use, no secret of a key is in any file or log, but in the one file that is there for it."""

from __future__ import annotations

from pathlib import Path

from .api import Api
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run


def test_no_key_is_in_a_file_or_a_log(tmp_path: Path) -> None:
    verbose = {"HEADWATER_LOG_LEVEL": "debug"}
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run(), verbose) as rig:
        rig.first_start()
        secrets = {"admin-key": rig.server.key, "private-token": _token(rig)}
        with Api(rig.server.url, key=secrets["private-token"]) as private:
            made = private.post("/v1/private/organizations", {"organization_name": "Elsewhere"})
            secrets["of another organization"] = made["key"]
        with rig.server.api() as api:
            users = "/v1/organizations/users/admin@localhost.local/api-keys"
            for name in ("second", "third"):
                secrets[name] = api.post(users, {"name": name})["key"]
            secrets["third, rotated"] = api.post(f"{users}/third/rotate")["key"]
        with Api(rig.server.url, key=secrets["second"] + "x", namespace=NAMESPACE) as wrong:
            assert wrong.request("GET", "/v1/me").status == 401
        with Api(rig.server.url, key=secrets["second"], namespace=NAMESPACE) as api:
            assert api.request("POST", "/v1/collections/crash_target/documents", ["wrong"]).status == 422
        rig.load(operations=10)
        rig.join_writers()
        _assert_nowhere(rig, secrets)
        rig.server.kill()
        rig.server.start()
        assert rig.server.stop() == 0
        _assert_nowhere(rig, secrets)


def _token(rig: KillRig) -> str:
    return (rig.server.data / "private-token").read_text().strip()


def _assert_nowhere(rig: KillRig, secrets: dict[str, str]) -> None:
    files = [rig.server.log, *(path for path in rig.server.data.rglob("*") if path.is_file())]
    for path in files:
        content = path.read_bytes()
        for name, secret in secrets.items():
            assert path.name == name or secret.encode() not in content, f"the key {name!r} is in {path}"
