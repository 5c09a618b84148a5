"""The pages about stages are what the code says, and their examples can be stored as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from headwater.retrieval import reference
from headwater.retrieval.forms import check_stage, read_stages
from headwater.retrieval.registry import STAGES

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "guides" / "stages.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", GUIDE, flags=re.DOTALL)


def test_reference_is_up_to_date() -> None:
    page = (DOCS / "reference" / "stages.md").read_text()

    assert page == reference.page(), "run: python -m headwater.retrieval.reference"


def test_guide_mentions_every_stage() -> None:
    assert [stage_id for stage_id in STAGES if f"`{stage_id}`" not in GUIDE and f'"{stage_id}"' not in GUIDE] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_guide(example: str) -> None:
    sent = json.loads(example)

    for stage in read_stages(sent if isinstance(sent, list) else [sent], ["body", "stages"]):
        check_stage(stage, ["body", "stages"])
        model = STAGES[stage.stage_id].parameters.model_validate(stage.parameters)
        assert getattr(model, "unknown_keys", list)() == []
