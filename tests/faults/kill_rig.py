"""A server with one collection, four writers, a fault, an audit: the frame of every crash test."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from headwater.catalog.database import open_reader
from headwater.store.fields.audit import differences
from headwater.store.text.audit import text_differences

from .audit import Audit
from .live_server import LiveServer
from .oracle import Oracle
from .storage_socket import StorageSocket
from .writers import Writer

WRITERS = 4
NAMESPACE = "faults"
COLLECTION = "crash_target"
#: Paths whose index has to follow every write through every fault.
INDEXED = ["marker", "n", "tags", "metadata.price"]
#: Searched as text, so that what it weighs is in the vector index through every fault.
TEXT = "note"


def seed_of_this_run() -> int:
    """``HEADWATER_FAULT_SEED`` repeats a run; otherwise a new one, which every failure names."""
    return int(os.environ.get("HEADWATER_FAULT_SEED", random.randrange(2**32)))


class KillRig:
    """Rounds of load and fault over one data directory. ``audit`` after each; it fails the test on any finding."""

    def __init__(self, data: Path, log: Path, seed: int, environment: Mapping[str, str] | None = None) -> None:
        self.server = LiveServer(data, log=log, environment=environment)
        self.seed = seed
        self.choose = random.Random(seed)
        self.oracles = [Oracle() for _ in range(WRITERS)]
        self.collection_id = ""
        #: What a test saw when all was quiet, for another one to compare with.
        self.quiet_state: object = None
        self._writers: list[Writer] = []

    def __enter__(self) -> KillRig:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_writers()
        self.server.__exit__()

    def first_start(self) -> None:
        """Start and make the namespace and the collection."""
        self.server.start()
        with self.server.api() as api:
            indexes = [{"field_name": path, "type": "keyword"} for path in INDEXED]
            indexes.append({"field_name": TEXT, "type": "text"})
            api.post("/v1/namespaces", {"namespace_name": NAMESPACE, "payload_indexes": indexes})
        with self.server.api(NAMESPACE) as api:
            body = {"collection_name": COLLECTION, "source": {"type": "none"}}
            self.collection_id = api.post("/v1/collections", body)["collection_id"]

    def load(self, *, operations: int | None = None) -> None:
        """Start the writers. With ``operations`` they end by themselves after that many each."""
        self.load_only(self.oracles, operations=operations)

    def load_only(self, oracles: list[Oracle], *, operations: int | None = None) -> None:
        """Start one writer for each of these oracles."""
        url, key = self.server.url, self.server.key
        self._writers = [
            Writer(
                url,
                key,
                NAMESPACE,
                self.collection_id,
                oracle,
                self.choose.randrange(2**32),
                operations=operations,
            )
            for oracle in oracles
        ]
        for writer in self._writers:
            writer.start()

    @property
    def acknowledged(self) -> int:
        return sum(oracle.acknowledged for oracle in self.oracles)

    def wait_for_acknowledgements(self, count: int, timeout_seconds: float = 20) -> None:
        """Wait until the writers got ``count`` answers more than now."""
        self.wait_until(lambda before=self.acknowledged: self.acknowledged >= before + count, timeout_seconds)

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = 20) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            assert time.monotonic() < deadline, f"seed {self.seed}: waited in vain\n{self.server.tail()}"
            time.sleep(0.002)

    def join_writers(self, timeout_seconds: float = 60) -> None:
        """Wait until the writers have done their operations."""
        for writer in self._writers:
            writer.join(timeout_seconds)
            assert not writer.is_alive(), f"seed {self.seed}: a writer hangs\n{self.server.tail()}"

    def stop_writers(self) -> None:
        for writer in self._writers:
            writer.finished.set()
        for writer in self._writers:
            writer.join(60)
        self._writers = []

    def audit(self, what: str) -> None:
        """Every acknowledged write is there and equal, nothing else is."""
        with self.server.api(NAMESPACE) as api, StorageSocket(self.server.data) as storage:
            audit = Audit(api, NAMESPACE, self.collection_id, self.oracles)
            findings = audit.run(self.choose, search=storage)
            findings += self.index_differences(storage)
        summary = "\n".join(findings[:20])
        assert not findings, f"seed {self.seed}, {what}: {len(findings)} findings\n{summary}\n{self.server.tail()}"

    def index_differences(self, storage: StorageSocket) -> list[str]:
        """What ``headwater verify`` would say about the collection's index, asked without a process of its own."""
        row = storage.collection_row(self.collection_id)
        found = list(storage.ask("extra_points", {"collection_row": row}))
        after = 0
        while after is not None:
            slice_ = storage.ask("compare", {"collection_row": row, "after_row": after, "limit": 1000})
            after = slice_.pop()["next_row"]
            found += slice_
        return [str(entry) for entry in found] + self.field_index_differences(row)

    def field_index_differences(self, collection_row: int) -> list[str]:
        """The same about the indexes of its fields and of its text."""
        reader = open_reader(self.server.data)
        try:
            found = [
                *differences(reader, collection_row, self.collection_id),
                *text_differences(reader, collection_row),
            ]
            return [f"{name}: {problem}" for name, problem in found]
        finally:
            reader.close()
