"""Long work in the event loop lets others have their turn."""

from __future__ import annotations

import asyncio

import pytest

from headwater.kit import turns

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("seconds", "seen_meanwhile"), [(0.0, ["other"]), (1000.0, [])])
async def test_others_have_their_turn_when_ones_own_was_long_enough(
    monkeypatch: pytest.MonkeyPatch, seconds: float, seen_meanwhile: list[str]
) -> None:
    monkeypatch.setattr(turns, "_TURN_SECONDS", seconds)
    seen: list[str] = []

    async def other() -> None:
        seen.append("other")

    task = asyncio.create_task(other())
    own = turns.Turns()
    for _ in range(3):
        await own.pause()
    assert seen == seen_meanwhile
    await task
