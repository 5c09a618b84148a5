"""The pages about settings, errors and routes are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.http.reference import PAGES
from headwater.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run: python -m headwater.http.reference"


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
