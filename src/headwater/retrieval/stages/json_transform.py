"""``json_transform``: rows in a form of one's own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from headwater.errors import ValidationError
from headwater.kit import strict_json
from headwater.kit.turns import Turns
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import SCORE, finite
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import StageParameters

_MAX_DEPTH = 64
_DEFAULT = (
    '{"id": {{ DOC.document_id | tojson }}, "content": {{ DOC.content | tojson }}, "score": {{ DOC.score | tojson }}}'
)


class JSONTransformParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"template": '{"name": {{ DOC.title | tojson }}, "score": {{ DOC.score }}}'}]}
    )

    template: Annotated[str, Field(min_length=1)] = Field(
        _DEFAULT, description="What becomes of each row, as the text of a JSON object. `tojson` writes values into it."
    )
    fail_on_error: bool = Field(
        False, description="Fail when the text of a row is no JSON object, in place of leaving the row out."
    )


class JSONTransform:
    stage_id: ClassVar[str] = "json_transform"
    category: ClassVar[Category] = "apply"
    description: ClassVar[str] = "Give rows another form, by a template of a JSON object."
    icon: ClassVar[str] = "braces"
    parameters: type[JSONTransformParameters] = JSONTransformParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset({"template"})

    async def run(self, run: Run, call: StageCall[JSONTransformParameters], hits: list[Hit]) -> StageResult:
        rows: list[Hit] = []
        refusals: list[ValidationError] = []
        turns = Turns()
        for hit in hits:
            try:
                rows.append(_transformed(run, call.parameters.template, hit))
            except ValidationError as error:
                if call.parameters.fail_on_error:
                    raise
                refusals.append(error)
            await turns.pause()
        metadata: dict[str, Any] = {"failed": len(refusals)}
        if refusals:
            metadata["first_failure"] = refusals[0].message
        return StageResult(rows, metadata)


def _transformed(run: Run, template: str, hit: Hit) -> Hit:
    return _row(read_object(run.render(template, hit.shown()), hit.document_id))


def read_object(rendered: Any, document_id: str) -> dict[str, Any]:
    """What a template gave: the text of an object, or an object itself. Raises ``ValidationError``."""
    try:
        value = strict_json.decode(rendered.encode(), _MAX_DEPTH) if isinstance(rendered, str) else rendered
    except (strict_json.InvalidJSONError, UnicodeEncodeError) as error:
        raise _refusal(document_id, f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise _refusal(document_id, f"no object, but {type(value).__name__}")
    return value


def _refusal(document_id: str, reason: str) -> ValidationError:
    message = f"the template makes {reason} of {document_id or 'a row'}; write values with the filter tojson"
    return ValidationError.at(["body", "stages", "json_transform", "template"], message, "json_invalid")


def _row(fields: dict[str, Any]) -> Hit:
    """What was written is all there is of the row; a score in it is the row's."""
    score = finite(fields.get(SCORE))
    own = fields if score is None else {name: value for name, value in fields.items() if name != SCORE}
    return Hit(0, 0, "", "", score=score, document=own)
