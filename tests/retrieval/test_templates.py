"""Templates: what they mean, and that none of them takes the worker down."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import NotEnabledError, ValidationError
from headwater.retrieval.templates import is_template, read_template, render, templates_in

ROOTS: dict[str, Any] = {
    "INPUT": {"q": "red shoes", "k": 5, "price": 2.5, "tags": ["a", "b"], "none": None, "on": True, "obj": {"x": [1]}},
    "DOC": {"title": "Fern"},
    "CONTEXT": {"execution_id": "exec_1"},
    "STAGE": {"find": {"top_score": 0.5, "output_count": 3}},
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{INPUT.q}}", "red shoes"),
        ("{{ inputs.k }}", 5),
        ("{{input['k'] * 2 + 1}}", 11),
        ("{{- Input.k -}}", 5),
        ("{{INPUT.price * INPUT.k}}", 12.5),
        ("{{2 * 3 * 4 - -1}}", 25),
        ("{{INPUT.tags}}", ["a", "b"]),
        ("{{INPUT.tags[0]}}", "a"),
        ("{{INPUT.tags[1:]}}", ["b"]),
        ("{{INPUT.obj}}", {"x": [1]}),
        ("{{INPUT.none}}", None),
        ("{{INPUT.on}}", True),
        ("{{INPUT.missing}}", None),
        ("{{INPUT.missing.deeper['x']}}", None),
        ("q: {{INPUT.q}}!", "q: red shoes!"),
        ("{{INPUT.missing}} and {{INPUT.none}}.", " and ."),
        ("{{INPUT.k}} of {{INPUT.tags}}", '5 of ["a","b"]'),
        ("{{INPUT.missing | default('x')}}", "x"),
        ("{{INPUT.missing or 'y'}}", "y"),
        ("{{INPUT.k > 3 ? 'many' : 'few'}}", "many"),
        ("{{INPUT.k > 9 ? 'many' : INPUT.k > 3 ? 'some' : 'few'}}", "some"),
        ("{{max(INPUT.k > 9 ? 1 : 2, 0)}}", 2),
        ("{{'a ? b : c'}}", "a ? b : c"),
        ("{{INPUT.k if INPUT.on else 1}}", 5),
        ("{{max(INPUT.k, 7)}}", 7),
        ("{{min([3, 1])}}", 1),
        ("{{ceil(INPUT.price)}}", 3),
        ("{{floor(INPUT.price)}}", 2),
        ("{{round(2.456, 2)}}", 2.46),
        ("{{abs(-3)}}", 3),
        ("{{INPUT.q | slugify}}", "red-shoes"),
        ("{{'false' | bool}}", False),
        ("{{INPUT.obj | tojson}}", '{"x":[1]}'),
        ("{{'<b>' | tojson}}", '"<b>"'),
        ("{{INPUT.q | upper}}", "RED SHOES"),
        ("{{INPUT.q.split(' ') | first}}", "red"),
        ("{{'12' | int}}", 12),
        ("{{'x' | int}}", 0),
        ("{{'1.5' | float}}", 1.5),
        ("{{INPUT.q | truncate(8)}}", "red..."),
        ("{{DOCUMENT.title}}", "Fern"),
        ("{{stage.find.top_score}}", 0.5),
        ("{{CONTEXT.execution_id}}", "exec_1"),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{ '}}' }}", "}}"),
        ("no template { here }", "no template { here }"),
        ("50 {% off", "50 {% off"),
    ],
)
def test_value_of_template(template: str, value: Any) -> None:
    found = render(template, ROOTS)

    assert (found, type(found)) == (value, type(value))


def test_templates_anywhere_in_a_json_value_are_rendered_once() -> None:
    roots = {"INPUT": {"q": "{{INPUT.secret}}", "secret": 1}}

    assert render({"a": ["{{INPUT.q}}", 3, None]}, roots) == {"a": ["{{INPUT.secret}}", 3, None]}


def test_times() -> None:
    now, ago = render("{{utc_now()}}", {}), render("{{time_ago(hours=1, minutes=30)}}", {})

    assert len(now) == len(ago) == len("2026-01-05T09:30:00.000Z")
    assert ago < now


def test_inputs_that_a_template_needs() -> None:
    template = read_template("{{INPUT.a}} {{inputs['b'] | upper}} {{INPUT.c | default('x')}} {{DOC.INPUT.d}}")

    assert template.needed_inputs == {"a", "b"}
    assert template.named_inputs == {"a", "b", "c"}


def test_secrets_are_not_enabled() -> None:
    with pytest.raises(NotEnabledError):
        read_template("{{secrets.openai}}")


HOSTILE = [
    "{{ [1] * 1000000 }}",
    "{{ [[1] * 1000000] * 1000000 }}",
    "{{ INPUT.tags * 1000000 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ 'a' | indent(100000000) }}",
    "{{ INPUT | tojson(indent=100000000) }}",
    "{{ ['a'] | map('indent', 100000000) | list }}",
    "{{ [1] | batch(10000000, 'x') }}",
    "{{ 'x'" + "|replace('x','xxxxxxxxxx')" * 9 + " }}",
    "{{ range(100000000) }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 10.0 ** 400 }}",
    "{{ 1 / 0 }}",
    "{{ round(1, -10 ** 9) + 'x' }}",
    "{{ time_ago(days=10 ** 20) }}",
    "{{ " + "not " * 20000 + "1 }}",
    "{{ " + "-" * 20000 + "1 }}",
    "{{ " + "(" * 250 + "1" + ")" * 40 + " }}",
    "{{ " + "[" * 140 + "]" * 140 + " }}",
    "{{ " + "1 ? " * 90 + "1 }}",
    "{{ debug() }}",
    "{{ max('a', 1) }}",
    "{{ ''.__class__.__mro__() }}",
    "{{ INPUT | attr('__class__') }}",
    "{{ INPUT.q.encode() }}",
    "{{ cycler(1) }}",
    "{% for i in range(9) %}{{ i }}{% endfor %}",
    "{%- set a = 1 %}",
    "{% include '/etc/passwd' %}",
    "{{ }}",
    "{{ INPUT.q",
    "{{ INPUT..q }}",
    "{{ INPUT.q | nothing }}",
    "{{ INPUT.q ? 1 }}",
    "{{ 'open }}",
    "{{ ) }}",
    "{{ a; b }}",
    "{{ INPUT.q }}" * 200,
    "{{ INPUT.q }}" + "x" * 30_000,
    "{{ '" + "y" * 9000 + "' }}" * 2 + "{{ INPUT.q " + "~ INPUT.q" * 200 + " }}",
]


@pytest.mark.parametrize("template", HOSTILE, ids=lambda text: text[:40])
def test_hostile_template_is_refused(template: str) -> None:
    with pytest.raises(ValidationError) as caught:
        render(template, ROOTS)

    assert caught.value.details is not None
    assert caught.value.details["validation_errors"][0]["type"] == "template_error"


@pytest.mark.parametrize("template", ["{{ ''.__class__ }}", "{{ INPUT.__class__ }}", "{{ max.__globals__ }}"])
def test_nothing_but_data_has_attributes(template: str) -> None:
    assert render(template, ROOTS) is None


def test_long_texts_cannot_be_multiplied() -> None:
    with pytest.raises(ValidationError):
        render("{{INPUT.q}}" * 90, {"INPUT": {"q": "x" * 500_000}})
    with pytest.raises(ValidationError):
        render("{{INPUT.q" + "~INPUT.q" * 90 + "}}", {"INPUT": {"q": "x" * 500_000}})


def test_hostile_templates_take_little_memory_and_time() -> None:
    """In a process of its own, for what went wrong here would end the test run as well."""
    code = (
        "import resource, sys\n"
        "from tests.retrieval.test_templates import HOSTILE, ROOTS\n"
        "from headwater.errors import ValidationError\n"
        "from headwater.retrieval.templates import render\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "for template in HOSTILE * 3:\n"
        "    try:\n        render(template, ROOTS)\n"
        "    except ValidationError:\n        pass\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)

    assert finished.returncode == 0, finished.stderr


#: Tokens and halves of tokens, as they may come in any order.
TOKENS = """INPUT . q tags k [ ] ( ) { } } { | ~ * ** / - + % , : ? = == < > 'a' 1 0 99999 not or and if else is in
upper list join replace map sort max min round length default tojson int {{ }} {{INPUT.q}} string"""
WORDS = st.sampled_from(TOKENS.split())


@settings(max_examples=600, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_any_template_has_a_value_or_is_refused(words: list[str]) -> None:
    template = "{{ " + " ".join(words) + " }}"
    try:
        value = render(template, ROOTS)
    except ValidationError:
        return
    # What is given back is JSON.
    assert isinstance(value, str | int | float | bool | list | dict | None)
    assert not is_template("plain")


def test_templates_in_a_value_are_found() -> None:
    found = templates_in({"a": ["{{INPUT.x}}", "plain"], "b": {"c": "{{INPUT.y}}"}})

    assert [template.text for template in found] == ["{{INPUT.x}}", "{{INPUT.y}}"]
