"""The map in AGENTS.md is the tree as it is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def mapped() -> list[str]:
    """The paths of the map, in its order."""
    text = (ROOT / "AGENTS.md").read_text()
    block = re.search(r"## Map\n\n```\n(.*?)```", text, flags=re.DOTALL)
    assert block is not None
    return [line.split()[0] for line in block[1].splitlines()]


def entries(folder: str) -> set[str]:
    """What a map of that folder has to name: its folders, and its modules other than ``__init__``."""
    found = set()
    for path in (ROOT / folder).iterdir():
        name = path.relative_to(ROOT).as_posix()
        if path.is_dir() and path.name != "__pycache__" and any(path.rglob("*.py")):
            found.add(f"{name}/")
        elif path.suffix == ".py" and path.name != "__init__.py":
            found.add(name)
    return found


def test_every_mapped_path_exists():
    missing = [path for path in mapped() if not (ROOT / path).exists()]
    assert missing == []
    wrong = [path for path in mapped() if (ROOT / path).is_dir() != path.endswith("/")]
    assert wrong == []


def test_every_part_of_the_source_is_mapped():
    there = entries("src/headwater") | entries("src/headwater/resources")
    assert there - set(mapped()) == set()


def test_test_folders_are_named_after_the_source_or_mapped():
    source = {Path(path).name for path in entries("src/headwater") | entries("src/headwater/resources")}
    unknown = {path for path in entries("tests") if path.endswith("/") and Path(path).name not in source}
    assert unknown - set(mapped()) == set()
