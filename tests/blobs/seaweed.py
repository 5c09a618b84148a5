"""A real S3 server on the loopback, from a wheel, with one bucket and one pair of keys."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from headwater.blobs.interface import MIN_LINK_SECONDS
from headwater.blobs.keys import References
from headwater.blobs.s3_signing import S3Signer
from headwater.settings import Settings

BUCKET = "headwater-files"
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key-of-forty-characters-or-so"
_STARTS = 5


@dataclass(frozen=True)
class Seaweed:
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, data: Path, **changes: Any) -> Settings:
        """Settings of a server that keeps its files here."""
        return Settings(
            **{
                "data": data,
                "blobs": "s3",
                "s3_bucket": BUCKET,
                "s3_endpoint": self.endpoint,
                "s3_access_key_id": ACCESS_KEY,
                "s3_secret_access_key": SECRET_KEY,
            }
            | changes
        )


@contextmanager
def running(folder: Path) -> Iterator[Seaweed]:
    """Start it, wait until the bucket can be used, and stop it by its own process."""
    command = Path(sys.executable).parent / "weed"
    config = folder / "s3.json"
    identity = {
        "name": "test",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    log = folder / "weed.log"
    for _ in range(_STARTS):
        ports = _free_ports(9)
        with log.open("wb") as output:
            arguments = [command, *_arguments(folder, config, ports)]
            process = subprocess.Popen(arguments, stdout=output, stderr=output, cwd=folder)
        try:
            # Between the look for free ports and the start, somebody else may have taken one.
            if _is_up(process, ports[0]):
                yield Seaweed(ports[0])
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError(f"the S3 server ended {_STARTS} times:\n{log.read_text(errors='replace')[-2000:]}")


def _arguments(folder: Path, config: Path, ports: list[int]) -> list[str]:
    s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc, metrics = ports
    return [
        "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={config}",
        f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", f"-master.port={master}", f"-master.port.grpc={master_grpc}",
        f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}", f"-metricsPort={metrics}", "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64", "-volume.max=20", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-filer.localSocket={folder}/filer.sock", f"-s3.localSocket={folder}/s3.sock",
    ]  # fmt: skip


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [opened.getsockname()[1] for opened in sockets]


def _is_up(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the bucket is made, which needs everything behind the server; False when the server has ended."""
    signer = S3Signer(f"http://127.0.0.1:{port}", "us-east-1", ACCESS_KEY, SECRET_KEY, References(""))
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline, "the S3 server did not start within 60 seconds"
        url = signer.presign("PUT", BUCKET, MIN_LINK_SECONDS)
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.put(url, trust_env=False).status_code == 200:
                return True
        time.sleep(0.1)
    return False
