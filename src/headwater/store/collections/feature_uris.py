"""Names of what a collection can be searched by: ``mixpeek://{extractor}@{version}/{output}``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_EXTRACTOR_ID = re.compile(r"(?P<name>.+)_(?P<version>v\d+)")
_URI = re.compile(r"mixpeek://(?P<name>[^@/]+)@(?P<version>[^/]+)(?:/(?P<output>.*))?")


class FeatureURI(NamedTuple):
    """``output`` is None where the extractor is named alone."""

    extractor: str
    version: str
    output: str | None

    @property
    def extractor_id(self) -> str:
        return f"{self.extractor}_{self.version}"


def parse_feature_uri(text: str) -> FeatureURI | None:
    """The parts of a URI of the scheme ``mixpeek``; None for any other text."""
    match = _URI.fullmatch(text)
    return None if match is None else FeatureURI(match["name"], match["version"], match["output"] or None)


def feature_uri(vector: dict[str, Any]) -> str:
    """The URI of an index; its bare name when no extractor of that form made it."""
    extractor = split_extractor_id(vector.get("feature_extractor_id"))
    if extractor is None:
        return str(vector["name"])
    name, version = extractor
    return f"mixpeek://{name}@{version}/{vector['output']}"


def split_extractor_id(identifier: str | None) -> tuple[str, str] | None:
    """``text_extractor_v1`` → ``("text_extractor", "v1")``."""
    match = _EXTRACTOR_ID.fullmatch(identifier or "")
    return None if match is None else (match["name"], match["version"])
