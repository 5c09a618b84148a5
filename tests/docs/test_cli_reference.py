"""The page about the command is what the command says of itself."""

from __future__ import annotations

from pathlib import Path

from headwater.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_cli_reference_is_up_to_date():
    assert PAGE.read_text() == reference(), "run: python -m headwater.cli.reference"
