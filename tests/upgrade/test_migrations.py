"""A database counts the migrations that it has had, so each number is taken once and none is left out."""

from __future__ import annotations

from importlib import resources


def test_migrations_are_numbered_one_by_one() -> None:
    folder = resources.files("headwater.catalog") / "migrations"
    numbers = sorted(int(entry.name.partition("_")[0]) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    assert numbers == list(range(1, len(numbers) + 1))
