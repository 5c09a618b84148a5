"""A browser opens what links lead to: an image, and a video that it seeks in. Over HTTP always, and in Chromium, too,
where there is one."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Server

#: A red square of two by two pixels.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
)
VIDEO = bytes(range(256)) * 1000
_PAGE = """
<script>
  const show = (text) => document.body.append(Object.assign(document.createElement("p"), {textContent: text}));
  const part = async () => {
    const answer = await fetch("VIDEO", {headers: {Range: "bytes=1000-1999"}});
    const bytes = new Uint8Array(await answer.arrayBuffer());
    show(`${answer.status}: ${bytes.length} bytes from ${bytes[0]} to ${bytes.at(-1)}`);
  };
</script>
<body onload="part()"><img src="IMAGE" onload="show(this.naturalWidth + ' pixels')"></body>
"""
SCHEMA = {"properties": {"image": {"type": "image"}, "video": {"type": "video"}}}


@pytest.fixture(scope="module")
def links(shared_server: Server) -> Iterator[dict[str, str]]:
    """Where the image and the video are."""
    with shared_server.client(**{"X-Namespace": "browser"}) as client:
        client.post("/v1/namespaces", json={"namespace_name": "browser"}).raise_for_status()
        body = {"bucket_name": "media", "bucket_schema": SCHEMA}
        client.post("/v1/buckets", json=body).raise_for_status()
        files = {"image": ("a.png", "image/png", PNG), "video": ("a.mp4", "video/mp4", VIDEO)}
        yield {kind: _uploaded(client, *file) for kind, file in files.items()}


def _uploaded(client: httpx2.Client, filename: str, content_type: str, content: bytes) -> str:
    body = {"filename": filename, "content_type": content_type}
    upload: dict[str, Any] = client.post("/v1/buckets/media/uploads", json=body).raise_for_status().json()
    httpx2.put(upload["presigned_url"], content=content, headers={"Content-Type": content_type}).raise_for_status()
    one = f"/v1/buckets/media/uploads/{upload['upload_id']}"
    client.post(f"{one}/confirm").raise_for_status()
    return str(client.get(f"{one}?return_presigned_urls=true").json()["presigned_url"])


def test_an_image_is_shown(links: dict[str, str]) -> None:
    answer = httpx2.get(links["image"])
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_a_video_is_played_from_the_middle(links: dict[str, str]) -> None:
    answer = httpx2.get(links["video"], headers={"Range": "bytes=1000-1999"})
    assert (answer.status_code, answer.content) == (206, VIDEO[1000:2000])
    assert answer.headers["Content-Range"] == f"bytes 1000-1999/{len(VIDEO)}"
    assert answer.headers["Accept-Ranges"] == "bytes"
    tail = httpx2.get(links["video"], headers={"Range": "bytes=-10"})
    assert (tail.status_code, tail.content) == (206, VIDEO[-10:])
    beyond = httpx2.get(links["video"], headers={"Range": f"bytes={len(VIDEO)}-"})
    assert beyond.status_code == 416


@pytest.mark.long
def test_chromium_shows_the_image_and_reads_a_part_of_the_video(links: dict[str, str], tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine; install the Debian package chromium")
    page = tmp_path / "page.html"
    page.write_text(_PAGE.replace("IMAGE", links["image"]).replace("VIDEO", links["video"]))
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run(
        [chromium, *arguments, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "<p>2 pixels</p>" in done.stdout
    first, last = VIDEO[1000], VIDEO[1999]
    assert f"<p>206: 1000 bytes from {first} to {last}</p>" in done.stdout
