"""``--help`` is for a quick look: it loads nothing that serves, searches or computes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headwater.cli.application import app
from tests.cli.conftest import clean_environment, headwater

_HEAVY = {"qdrant_edge", "numpy", "fastapi", "starlette", "uvicorn", "apsw", "pydantic", "onnxruntime", "httpx2"}
_SCRIPT = """
import sys
from headwater.cli import main
assert main(sys.argv[1:]) == 0
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("documents", "create", "--help"), ("serve", "--help"), ("demo", "--help")],
    ids=" ".join,
)
def test_help_is_light(arguments):
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True, env=clean_environment()
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert "cyclopts" in loaded
    assert loaded & _HEAVY == set()


def test_help_names_every_command():
    shown = headwater("--help").stdout
    for name in app:
        if not name.startswith("-"):
            assert name in shown


@pytest.mark.parametrize("arguments", [("bogus",), ("documents", "bogus"), ("serve", "--bogus"), ("keys", "create")])
def test_wrong_usage_exits_with_2_and_a_hint(arguments):
    refused = headwater(*arguments)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: ")
    assert "\nhint: " in refused.stderr
    assert refused.stdout == ""


def test_output_has_no_colour_when_asked():
    assert "\x1b" not in headwater("--help", NO_COLOR="1", FORCE_COLOR="").stdout
