"""``headwater serve`` with one namespace and one collection, ready to be measured."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks import documents, processes
from benchmarks.load import Closed, Outcome, Target, run
from headwater.catalog.database import open_reader
from headwater.settings import Settings
from headwater.store.client import StoreClient
from headwater.store.commands.generations import RequestBuild
from headwater.store.index import VECTORS, directory_name
from headwater.store.lock import holder_of

NAMESPACE = "bench"
#: So high that no build starts by itself: a measurement asks for the one that it measures.
QUIET = {"HEADWATER_INDEX_THRESHOLD": "100000000"}
_UPSERT = 1000
_SLICE = 20_000
_STEP_SECONDS = 0.01


class HeadwaterServer:
    def __init__(self, directory: Path, environment: Mapping[str, str] = QUIET) -> None:
        self.directory = directory
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None
        self.target = Target("127.0.0.1", 0)
        self._next_id = 0

    def __enter__(self) -> HeadwaterServer:
        self.start()
        if self._ask("GET", "/v1/namespaces")["total_count"] == 0:
            self._ask("POST", "/v1/namespaces", {"namespace_name": NAMESPACE})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start; the seconds until ``/v1/health`` says OK."""
        started = time.perf_counter()
        command = [sys.executable, "-m", "headwater", "serve", "--data", str(self.directory), "--port", "0"]
        with (self.directory.parent / f"{self.directory.name}.log").open("ab") as log:
            environment = os.environ | {"HEADWATER_LOG_LEVEL": "warning"} | self._environment
            self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        port = self._announced_port()
        key = (self.directory / "admin-key").read_text().strip()
        headers = f"Authorization: Bearer {key}\r\nX-Namespace: {NAMESPACE}\r\n"
        self.target = Target("127.0.0.1", port, headers)
        while not self._healthy():
            time.sleep(_STEP_SECONDS)
        return time.perf_counter() - started

    def kill(self) -> None:
        """SIGKILL to every process of the server, at once."""
        processes.kill(self.pid)
        assert self._process is not None
        self._process.wait()

    def _announced_port(self) -> int:
        assert self._process is not None and self._process.stdout is not None
        found: queue.Queue[int] = queue.Queue()
        threading.Thread(target=_read_port, args=(self._process.stdout, found), daemon=True).start()
        return found.get(timeout=60)

    def _healthy(self) -> bool:
        try:
            return bool(self._ask("GET", "/v1/health")["status"] == "OK")
        except (OSError, ValueError):
            return False

    # -- content ----------------------------------------------------------------------------------------------

    def make_namespace(self, name: str) -> None:
        self._ask("POST", "/v1/namespaces", {"namespace_name": name})

    def declare(self, namespace: str, indexes: Mapping[str, str]) -> None:
        """Index these fields, by their types, in the namespace's collections."""
        declared = [{"field_name": name, "type": kind} for name, kind in indexes.items()]
        self._ask("PATCH", f"/v1/namespaces/{namespace}", {"payload_indexes": declared})

    def make_collection(self, name: str, target: Target | None = None) -> str:
        """A new collection for documents that are written directly; its id. ``target`` may name another namespace."""
        body = {"collection_name": name, "source": {"type": "none"}}
        return str(self._ask("POST", "/v1/collections", body, target)["collection_id"])

    def make_bucket(self, name: str, schema: object) -> None:
        self._ask("POST", "/v1/buckets", {"bucket_name": name, "bucket_schema": schema})

    def list_objects(self, bucket: str, body: object) -> list[dict[str, Any]]:
        return list(self._ask("POST", f"/v1/buckets/{bucket}/objects/list", body)["results"])

    def some_objects(self, bucket: str, count: int) -> list[str]:
        """Ids of the oldest objects of the bucket."""
        return [found["object_id"] for found in self.list_objects(bucket, {"limit": count})]

    def aggregate(self, collection: str, body: object) -> None:
        self._ask("POST", f"/v1/collections/{collection}/documents/aggregate", body)

    def create(self, collection: str, count: int, clients: int, warm_up: int = 200) -> Outcome:
        """Single creates by that many clients."""
        requests = partial(documents.creates, self.target, collection, count + warm_up, self._seed())
        return run(Closed(self.target, requests, clients, warm_up))[""].only(200)

    def upsert(self, collection: str, count: int, clients: int = 2, batch: int = _UPSERT) -> Outcome:
        """New documents in batches. One latency a batch."""
        requests = partial(
            documents.upserts,
            self.target,
            NAMESPACE,
            collection,
            count,
            batch,
            self._seed(),
            first=self._next_id,
        )
        self._next_id += count
        return run(Closed(self.target, requests, clients))[""].only(200)

    def fill(self, collection: str, count: int) -> None:
        """Bring the collection to ``count`` documents."""
        while (missing := count - self.count(collection)) > 0:
            self.upsert(collection, min(missing, _SLICE))

    def count(self, collection: str) -> int:
        return int(self._ask("GET", f"/v1/collections/{collection}/documents/count")["count"])

    def some_ids(self, collection: str, count: int) -> list[str]:
        page = self._ask("GET", f"/v1/collections/{collection}/documents?limit={count}")
        return [document["document_id"] for document in page["results"]]

    def _seed(self) -> int:
        self._seeds = getattr(self, "_seeds", 0) + 1
        return self._seeds

    def _ask(self, method: str, path: str, body: object = None, target: Target | None = None) -> Any:
        headers = (target or self.target).header_fields
        headers["Content-Type"] = "application/json"
        url = f"http://{self.target.host}:{self.target.port}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    # -- the index --------------------------------------------------------------------------------------------

    def request_build(self, collection: str) -> None:
        """Ask the storage process for a new index generation of the collection."""
        asyncio.run(self._request_build(collection))

    async def _request_build(self, collection: str) -> None:
        holder = holder_of(self.directory)
        assert holder is not None
        store = StoreClient(Path(holder["socket"]), Settings(data=self.directory))
        try:
            await store.execute(RequestBuild(collection_row=self._row(collection)))
        finally:
            await store.close()

    def building(self, collection: str) -> bool:
        """Whether a generation is being built or caught up."""
        reader = open_reader(self.directory)
        try:
            return bool(
                reader.execute(
                    "SELECT EXISTS (SELECT 1 FROM generations WHERE collection_row = ?1 AND state != 'live')"
                    " OR EXISTS (SELECT 1 FROM jobs WHERE kind = 'index.build' AND state IN ('pending', 'running'))",
                    (self._row(collection),),
                ).get
            )
        finally:
            reader.close()

    def index_directory(self, collection: str) -> Path:
        """Where the collection's live index is."""
        row = self._row(collection)
        reader = open_reader(self.directory)
        try:
            live = "SELECT generation FROM generations WHERE collection_row = ? AND state = 'live'"
            generation = int(reader.execute(live, (row,)).get)
        finally:
            reader.close()
        return self.directory / VECTORS / directory_name(row, generation)

    def _row(self, collection: str) -> int:
        reader = open_reader(self.directory)
        try:
            query = "SELECT collection_row FROM collections WHERE collection_id = ?"
            return int(reader.execute(query, (collection,)).get)
        finally:
            reader.close()


def _read_port(stream: Any, found: queue.Queue[int]) -> None:
    with stream:
        for line in stream:
            if match := re.search(r"http://[^\s/]+:(\d+)", line):
                found.put(int(match.group(1)))
