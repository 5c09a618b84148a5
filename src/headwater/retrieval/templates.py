"""Templates in the parameters of stages: ``{{ INPUT.query }}``.

A text that is one expression as a whole has the expression's value, of whatever type; otherwise the values stand in the
text. What is not there is null, and nothing in a text. A value is never looked at for templates again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import minijinja
import orjson

from headwater.errors import NotEnabledError, ValidationError
from headwater.retrieval.template_functions import new_engine
from headwater.retrieval.template_tokens import Expression, UnreadableError, read_expression

MAX_TEMPLATE_CHARACTERS = 20_000
MAX_RENDERED_CHARACTERS = 1_000_000
_MAX_EXPRESSIONS = 100
_SHOWN_CHARACTERS = 80
_STATEMENT = re.compile(r"\{%[-+]?\s*(?:if|for|set|macro|call|include|import|from|extends|block|filter|with|do|raw)\b")
#: What the engine and our functions raise for values that do not suit.
_FAILURES = (minijinja.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_NUMBERS = frozenset({int, float})
_engine = new_engine()

Roots = Mapping[str, Any]


class Template(NamedTuple):
    """Plain text and expressions, in turn."""

    text: str
    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> Iterator[Expression]:
        return (part for part in self.parts if isinstance(part, Expression))

    @property
    def named_inputs(self) -> frozenset[str]:
        """The inputs that its expressions look at."""
        return frozenset().union(*(part.inputs for part in self.expressions))

    @property
    def needed_inputs(self) -> frozenset[str]:
        """Those of them for which it does not say what their absence means."""
        return frozenset().union(*(part.inputs for part in self.expressions if not part.minds_absence))

    @property
    def takes_all_inputs(self) -> bool:
        return any("INPUT" in part.roots and not part.inputs for part in self.expressions)

    def render(self, roots: Roots) -> Any:
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self._value(self.parts[0], roots)
        rendered = "".join(part if isinstance(part, str) else self._text(part, roots) for part in self.parts)
        if len(rendered) > MAX_RENDERED_CHARACTERS:
            raise refused(self.text, f"its result is longer than {MAX_RENDERED_CHARACTERS} characters")
        return rendered

    def _text(self, expression: Expression, roots: Roots) -> str:
        value = self._value(expression, roots)
        if isinstance(value, str):
            return value
        try:
            return "" if value is None else orjson.dumps(value).decode()
        except TypeError as error:
            raise refused(self.text, str(error)) from error

    def _value(self, expression: Expression, roots: Roots) -> Any:
        try:
            return _plain(_engine.eval_expr(expression.source, **roots))
        except _FAILURES as error:
            raise refused(self.text, _reason(error)) from error


def is_template(value: Any) -> bool:
    """Whether the value is a text with something to fill in."""
    return isinstance(value, str) and ("{{" in value or _STATEMENT.search(value) is not None)


@lru_cache(maxsize=4096)
def read_template(text: str) -> Template:
    """Raises ``ValidationError`` for what is not a template that we evaluate."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise refused(text, f"it is longer than {MAX_TEMPLATE_CHARACTERS} characters")
    if _STATEMENT.search(text):
        raise refused(text, "statements such as {% for %} are not part of templates; {{ expressions }} are")
    try:
        template = Template(text, tuple(_parts(text)))
        for expression in template.expressions:
            _check(expression)
    except UnreadableError as error:
        raise refused(text, str(error)) from None
    except minijinja.TemplateError as error:
        raise refused(text, _reason(error)) from error
    return template


def _parts(text: str) -> Iterator[str | Expression]:
    position = count = 0
    while (start := text.find("{{", position)) >= 0:
        if start > position:
            yield text[position:start]
        expression, position = read_expression(text, start + 2 + (text[start + 2 : start + 3] == "-"))
        yield expression
        count += 1
        if count > _MAX_EXPRESSIONS:
            raise UnreadableError(f"it has more than {_MAX_EXPRESSIONS} expressions")
    if position < len(text):
        yield text[position:]


def _check(expression: Expression) -> None:
    if "SECRET" in expression.roots:
        raise NotEnabledError(
            "Secrets of the organization are not part of this deployment; leave {{SECRET…}} out",
            details={"feature": "secrets"},
        )
    # Reads it without evaluating it.
    _engine.undeclared_variables_in_str("{{ " + expression.source + " }}")


def render(value: Any, roots: Roots) -> Any:
    """The JSON value with every template in it filled in."""
    if isinstance(value, str):
        return read_template(value).render(roots) if is_template(value) else value
    if isinstance(value, dict):
        return {name: render(item, roots) for name, item in value.items()}
    if isinstance(value, list) and not is_numbers(value):
        return [render(item, roots) for item in value]
    return value


def templates_in(value: Any) -> Iterator[Template]:
    """The templates in the JSON value."""
    if is_template(value):
        yield read_template(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list) and not is_numbers(value):
        for item in value:
            yield from templates_in(item)


def is_numbers(value: list[Any]) -> bool:
    """Whether it is a vector, of which nobody has to look at each number."""
    return _NUMBERS.issuperset(map(type, value))


def refused(template: str, reason: str) -> ValidationError:
    shown = template if len(template) <= _SHOWN_CHARACTERS else template[:_SHOWN_CHARACTERS] + "…"
    return ValidationError.at(["body", "stages"], f"the template {shown!r} cannot be used: {reason}", "template_error")


def _reason(error: Exception) -> str:
    if isinstance(error, minijinja.TemplateError) and error.kind == "OutOfFuel":
        return "it does too much"
    text = str(error).partition(" (in ")[0].strip()
    return text.partition("\n")[0] or type(error).__name__


def _plain(value: Any) -> Any:
    """JSON of what the engine gave: its safe texts, tuples and numbers in the plain types."""
    convert = _CONVERSIONS.get(type(value))
    if convert is not None:
        return convert(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    raise TypeError(f"its value is a {type(value).__name__}, which is not JSON")


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("its value is not a finite number")
    return value


def _items(value: Any) -> list[Any]:
    return [_plain(item) for item in value]


def _same(value: Any) -> Any:
    return value


_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _same,
    str: _same,
    float: _number,
    list: _items,
    tuple: _items,
}
