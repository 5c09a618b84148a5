"""A model in memory: tokenizer, ONNX Runtime, pooling."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import NotEnabledError
from headwater.models.interface import Embedding, Input
from headwater.models.manifest import Definition

#: What the inputs of such models are called. They are given those that they ask for.
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
#: No language's words are this long. What is beyond would only cost time: the tokenizer reads all before it cuts.
_CHARACTERS_PER_TOKEN = 64
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxModel:
    """Raises ``NotEnabledError`` when its files are not what ``model.json`` says: it is tried out at once."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._manifest = definition.manifest
        if definition.weights_sha256:
            _check(definition.weights, definition.weights_sha256)
        try:
            self._tokenizer = _open_tokenizer(definition.tokenizer, self._manifest.max_tokens)
            self._session = _open_session(definition.weights)
        except Exception as error:
            raise self._unusable(f"{type(error).__name__}: {error}") from error
        self._inputs = {given.name: given.type for given in self._session.get_inputs()}
        if foreign := set(self._inputs) - _INPUTS:
            raise self._unusable(f"it asks for the inputs {sorted(foreign)}; known are {sorted(_INPUTS)}")
        self._try_out()

    def run(self, batch: Sequence[Input]) -> list[Any]:
        """An ``Embedding`` of each text, or a number for each pair."""
        longest = self._manifest.max_tokens * _CHARACTERS_PER_TOKEN
        encodings = self._tokenizer.encode_batch([_cut(given, longest) for given in batch])
        mask = np.array([encoding.attention_mask for encoding in encodings])
        given = {
            "input_ids": np.array([encoding.ids for encoding in encodings]),
            "attention_mask": mask,
            "token_type_ids": np.array([encoding.type_ids for encoding in encodings]),
        }
        typed = {name: given[name].astype(_INTEGERS[kind]) for name, kind in self._inputs.items()}
        output: NDArray[np.float32] = self._session.run(None, typed)[0]
        if self._manifest.task == "rerank":
            return self._scores(output)
        vectors = self._unit_vectors(output, mask)
        return [
            Embedding(vector.tobytes(), sum(encoding.attention_mask), bool(encoding.overflowing) or len(text) > longest)
            for text, vector, encoding in zip(batch, vectors, encodings, strict=True)
        ]

    def _unit_vectors(self, output: NDArray[np.float32], mask: NDArray[Any]) -> NDArray[np.float32]:
        expected = 2 if self._manifest.pooling == "none" else 3
        if output.ndim != expected:
            raise self._unusable(
                f"its output has {output.ndim} axes, and the pooling {self._manifest.pooling!r} needs {expected}"
            )
        if self._manifest.pooling == "mean":
            weights = mask[:, :, None].astype(np.float32)
            output = (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        elif self._manifest.pooling == "cls":
            output = output[:, 0]
        lengths = np.maximum(np.linalg.norm(output, axis=1, keepdims=True), 1e-12)
        vectors: NDArray[np.float32] = (output / lengths).astype("<f4")
        return vectors

    def _scores(self, output: NDArray[np.float32]) -> list[float]:
        logits = output.reshape(len(output), -1).astype(np.float64)
        if logits.shape[1] != 1:
            raise self._unusable(f"it answers {logits.shape[1]} numbers for a pair, and re-ranking needs one")
        if self._manifest.activation == "sigmoid":
            # Beyond this the exponential overflows, and the score is 0 or 1 anyway.
            logits = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
        return [float(value) for value in logits[:, 0]]

    def _try_out(self) -> None:
        trial: Input = "trial" if self._manifest.task == "embed" else ("trial", "trial")
        try:
            (answer,) = self.run([trial])
        except NotEnabledError:
            raise
        except Exception as error:
            raise self._unusable(f"a trial failed with {type(error).__name__}: {error}") from error
        if isinstance(answer, Embedding) and len(answer.vector) != 4 * (self._manifest.dimensions or 0):
            raise self._unusable(
                f"its vectors have {len(answer.vector) // 4} dimensions, and its model.json says"
                f" {self._manifest.dimensions}"
            )

    def _unusable(self, reason: str) -> NotEnabledError:
        name = self._definition.name
        return NotEnabledError(
            f"the model {name} in {self._definition.weights.parent} cannot be used: {reason}",
            details={"feature": "models", "model": name},
        )


def _cut(given: Input, longest: int) -> Input:
    return given[:longest] if isinstance(given, str) else (given[0][:longest], given[1][:longest])


def _open_session(weights: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    # One thread a batch, several batches at a time: ONNX Runtime's own threads wait for each other by spinning.
    options.intra_op_num_threads = 1
    # Its warnings are about how the model could have been exported better.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def _open_tokenizer(path: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    # The stored one may pad everything to one length: pad to the longest of a batch instead.
    stored = tokenizer.padding or {}
    tokenizer.enable_padding(**{key: stored[key] for key in ("pad_id", "pad_token", "pad_type_id") if key in stored})
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _check(weights: Path, expected: str) -> None:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected:
        raise NotEnabledError(
            f"{weights} is not the model that was chosen (sha256 {digest}); install 'headwater[text]' again",
            details={"feature": "models", "file": str(weights)},
        )
