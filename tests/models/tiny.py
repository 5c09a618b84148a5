"""Models of a few hundred bytes, written by hand: the smallest part of the ONNX format that two of them need.

Both know the words of ``WORDS``. The one that embeds gives each word a dimension of its own; the one that re-ranks
counts the words that its two texts share.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = ("river", "lake", "bridge", "boat", "fish", "mill")
_VOCABULARY = {word: number for number, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
_FLOAT, _INT64 = 1, 7
_DIMENSIONS = len(WORDS)


def write_model(folder: Path, **manifest: Any) -> Path:
    """A folder as an operator makes it. ``task`` decides which of the two models it holds."""
    folder.mkdir(parents=True)
    wanted = {"task": "embed", "dimensions": _DIMENSIONS} | manifest
    if wanted["task"] == "rerank":
        del wanted["dimensions"]
    (folder / "model.json").write_text(json.dumps(wanted))
    (folder / "model.onnx").write_bytes(_reranker() if wanted["task"] == "rerank" else _embedder())
    tokenizer = Tokenizer(WordLevel(_VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _embedder() -> bytes:
    return _model([_node("Gather", ["table", "input_ids"], "output")], ["input_ids"], ["batch", "token", _DIMENSIONS])


def _reranker() -> bytes:
    # The sum of the one-hot vectors of each text, by the masks as 1 x tokens matrices, then their product.
    nodes = [
        _node("Gather", ["table", "input_ids"], "words"),
        _node("Cast", ["token_type_ids"], "second_flat", _attribute("to", _FLOAT)),
        _node("Cast", ["attention_mask"], "any_flat", _attribute("to", _FLOAT)),
        _node("Sub", ["any_flat", "second_flat"], "first_flat"),
        _node("Unsqueeze", ["first_flat", "one"], "first_mask"),
        _node("Unsqueeze", ["second_flat", "one"], "second_mask"),
        _node("MatMul", ["first_mask", "words"], "first"),
        _node("MatMul", ["second_mask", "words"], "second"),
        _node("Mul", ["first", "second"], "shared"),
        _node("ReduceSum", ["shared", "last"], "output", _attribute("keepdims", 0)),
    ]
    return _model(nodes, ["input_ids", "attention_mask", "token_type_ids"], ["batch", 1])


def _model(nodes: list[bytes], inputs: list[str], output: list[str | int]) -> bytes:
    rows = [[float(word == column) for column in range(2, 2 + _DIMENSIONS)] for word in range(len(_VOCABULARY))]
    numbers = [number for row in rows for number in row]
    tensors = [
        _tensor("table", _FLOAT, [len(rows), _DIMENSIONS], struct.pack(f"<{len(numbers)}f", *numbers)),
        _tensor("one", _INT64, [1], struct.pack("<q", 1)),
        _tensor("last", _INT64, [1], struct.pack("<q", 2)),
    ]
    graph = b"".join(_message(1, node) for node in nodes) + _text(2, "tiny")
    graph += b"".join(_message(5, tensor) for tensor in tensors)
    graph += b"".join(_message(11, _value(name, _INT64, ["batch", "token"])) for name in inputs)
    graph += _message(12, _value("output", _FLOAT, output))
    return _number(1, 8) + _message(7, graph) + _message(8, _text(1, "") + _number(2, 13))


def _node(operation: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    given = b"".join(_text(1, name) for name in inputs)
    return given + _text(2, output) + _text(4, operation) + (_message(5, attribute) if attribute else b"")


def _attribute(name: str, value: int) -> bytes:
    return _text(1, name) + _number(3, value) + _number(20, 2)


def _tensor(name: str, kind: int, shape: list[int], data: bytes) -> bytes:
    return b"".join(_number(1, length) for length in shape) + _number(2, kind) + _text(8, name) + _message(9, data)


def _value(name: str, kind: int, shape: list[Any]) -> bytes:
    lengths = [_text(2, length) if isinstance(length, str) else _number(1, length) for length in shape]
    dimensions = b"".join(_message(1, length) for length in lengths)
    return _text(1, name) + _message(2, _message(1, _number(1, kind) + _message(2, dimensions)))


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _message(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
