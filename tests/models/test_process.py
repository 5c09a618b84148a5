"""The model process: asked over its socket, killed, replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import NotEnabledError, ServiceUnavailableError
from headwater.models.client import ModelClient
from headwater.models.registry import Registry
from headwater.settings import Settings
from tests.models.tiny import write_model

pytestmark = pytest.mark.anyio


class Process:
    """A model process that can be killed and started again, as the supervisor does."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "models.sock"
        self._environment = {**os.environ, "HEADWATER_MODELS_DIR": str(directory / "models")}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "headwater.models.server", "--socket", str(self.socket)]
        return subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.process = self._start()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    write_model(tmp_path / "models" / "words_v1")
    write_model(tmp_path / "models" / "pairs_v1", task="rerank")
    process = Process(tmp_path)
    yield process
    process.kill()


@pytest.fixture
async def client(process: Process, tmp_path: Path):
    settings = Settings(outcome_wait_seconds=20)
    client = ModelClient(process.socket, Registry(tmp_path / "models"), settings)
    yield client
    await client.close()


async def test_many_callers_get_their_own_answers(client: ModelClient) -> None:
    words = ["river", "lake", "bridge"] * 20
    found = await asyncio.gather(*(client.embed("words_v1", [word]) for word in words))
    vectors = [one.vector for (one,) in found]
    assert len(set(vectors[:3])) == 3 and vectors == vectors[:3] * 20
    assert await client.rerank("pairs_v1", "river", ["river", "lake"]) == pytest.approx([0.731, 0.5], abs=1e-3)
    assert (await client.status())["loaded"] == ["pairs_v1", "words_v1"]


async def test_it_loads_nothing_before_it_is_asked(client: ModelClient, process: Process) -> None:
    assert (await client.status())["loaded"] == []
    maps = Path(f"/proc/{process.process.pid}/maps").read_text()
    assert [name for name in ("onnxruntime", "numpy", "apsw", "qdrant") if name in maps] == []


async def test_a_request_in_flight_is_answered_by_the_successor(client: ModelClient, process: Process) -> None:
    await client.embed("words_v1", ["river"])
    os.kill(process.process.pid, signal.SIGSTOP)
    asked = asyncio.create_task(client.embed("words_v1", ["lake"]))
    await asyncio.sleep(0.05)
    assert not asked.done()
    process.kill()
    process.restart()
    (found,) = await asked
    assert found.tokens == 1


async def test_without_a_process_the_answer_is_503(tmp_path: Path) -> None:
    write_model(tmp_path / "models" / "words_v1")
    settings = Settings(outcome_wait_seconds=0.1)
    client = ModelClient(tmp_path / "nobody.sock", Registry(tmp_path / "models"), settings)
    with pytest.raises(ServiceUnavailableError, match="the model process is not running"):
        await client.embed("words_v1", ["river"])


async def test_an_error_of_the_process_reaches_the_caller(client: ModelClient, tmp_path: Path) -> None:
    (tmp_path / "models" / "words_v1" / "model.onnx").write_bytes(b"damaged after the start")
    with pytest.raises(NotEnabledError, match=r"the model words_v1 in .* cannot be used"):
        await client.embed("words_v1", ["river"])


async def test_it_ends_on_request_and_takes_its_socket_with_it(client: ModelClient, process: Process) -> None:
    await client.embed("words_v1", ["river"])
    assert process.stop() == 0
    assert not process.socket.exists()
