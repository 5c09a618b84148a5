"""What the README and the guides tell people to type works, typed exactly so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "headwater-data", tmp_path / "server.log") as running:
        yield running


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the walk needs curl")
def test_walk_with_curl(server, tmp_path):
    (walk,) = blocks("bash")
    assert "URL=http://127.0.0.1:8420\n" in walk
    script = "set -eu\n" + walk.replace("http://127.0.0.1:8420", server.url)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # The last two requests carry one Idempotency-Key: one document, told twice.
    *_, first, second = done.stdout.splitlines()
    assert first == second
    assert '"root_object_id":"obj_film_001"' in done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="the walk needs curl")
@pytest.mark.parametrize(
    ("guide", "after_the_walk", "shown"),
    [
        ("querying", True, ['"metrics":{"n":2,"mean":7.5}', '"group_key":"video"', "DOCUMENT_ID  BRAND"]),
        ("lineage", True, ['"deleted_count":2', '"kind":"root_of"']),
        ("changing-many", True, ['"message":"Updated 1 document(s), 1 failed"', '"status":"COMPLETED"']),
        ("access", False, ['"owner":"user-17"', '"public":true', '"inserted":1']),
        ("buckets", True, ['"size_bytes":24', '"presigned_url":"http', '"email":"ann@example.com"']),
        ("moving-data", True, ['"document_count":', '"clone_status":"cloning"']),
    ],
)
def test_guides(server, tmp_path, guide, after_the_walk, shown):
    page = (ROOT / f"docs/guides/{guide}.md").read_text()
    script = "\n".join(["set -eu", *(blocks("bash") if after_the_walk else ()), *blocks("bash", page)])
    script = script.replace("http://127.0.0.1:8420", server.url)
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": search, "HEADWATER_URL": server.url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in shown:
        assert expected in done.stdout
    assert '"success":false,"status":' not in done.stdout


def test_python_client(server):
    (example,) = blocks("python")
    assert 'host="http://127.0.0.1:8420"' in example
    with server.client() as client:
        assert client.post("/v1/namespaces", json={"namespace_name": "demo"}).status_code == 200
    names = {"key": server.key}
    exec(example.replace("http://127.0.0.1:8420", server.url), names)
    assert names["page"].results == []
    names["client"].rest_client.pool_manager.clear()


def test_links_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "AGENTS.md", *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []
