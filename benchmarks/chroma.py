"""A Chroma server of its own: installed into ``.venv-bench`` on first use, started on a free port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from benchmarks.load import Target

ENVIRONMENT = Path(__file__).parent.parent / ".venv-bench"
_DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"


def install() -> None:
    """Make the environment unless it is there. Needs a package index once."""
    if (ENVIRONMENT / "bin" / "chroma").exists():
        return
    print("installing Chroma into .venv-bench", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    pip = [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "chromadb>=1.0"], check=True, stdout=sys.stderr)


def version() -> str:
    found = sorted((ENVIRONMENT / "lib").glob("python*/site-packages/chromadb-*.dist-info"))
    return found[-1].name.removeprefix("chromadb-").removesuffix(".dist-info")


class ChromaServer:
    """``chroma run`` with its defaults over ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.target = Target("127.0.0.1", _free_port())

    def __enter__(self) -> ChromaServer:
        command = [str(ENVIRONMENT / "bin" / "chroma"), "run", "--host", self.target.host]
        command += ["--port", str(self.target.port), "--path", str(self._directory)]
        with (self._directory.parent / "chroma.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                self._call("GET", "/api/v2/heartbeat")
                return self
            time.sleep(0.1)
        raise RuntimeError("the Chroma server did not answer within 60 s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def make_collection(self, name: str) -> str:
        """Make a cosine collection; the path that documents are added at."""
        body = {"name": name, "configuration": {"hnsw": {"space": "cosine"}}}
        made = self._call("POST", f"{_DATABASE}/collections", body)
        return f"{_DATABASE}/collections/{made['id']}/add"

    def count(self, add_path: str) -> int:
        return int(self._call("GET", add_path.removesuffix("/add") + "/count"))

    def _call(self, method: str, path: str, body: object = None) -> object:
        url = f"http://{self.target.host}:{self.target.port}{path}"
        request = urllib.request.Request(url, method=method, headers={"Content-Type": "application/json"})
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=10) as answer:
            return json.loads(answer.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
