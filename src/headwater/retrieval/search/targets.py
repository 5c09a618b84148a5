"""Where a search looks: from a feature URI or the name of an index to the index that each collection has for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import ValidationError
from headwater.store.collections.feature_uris import FeatureURI, feature_uri, parse_feature_uri
from headwater.tenancy.access import access_collection
from headwater.vectors.interface import Distance, Kind

#: What the contract's default URI and its guides call the one output of an extractor.
_DEFAULT_OUTPUTS = frozenset({"embedding", "text_embedding", "image_embedding", "clip_embedding"})
_VERSION = re.compile(r"_v\d+$")

Index = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One index of one collection. ``index`` is its entry in ``collection.body["vectors"]``."""

    collection: Collection
    index: Index

    @property
    def name(self) -> str:
        """Under which the index and the record keep the vectors."""
        return str(self.index["name"])

    @property
    def kind(self) -> Kind:
        kind: Kind = self.index["kind"]
        return kind

    @property
    def dimensions(self) -> int | None:
        """None for sparse vectors."""
        return self.index.get("dimensions")

    @property
    def distance(self) -> Distance:
        distance: Distance = self.index["distance"]
        return distance

    @cached_property
    def uri(self) -> str:
        return feature_uri(self.index)


def targets_of(
    context: Context, collections: Sequence[Collection], reference: str, location: list[str | int]
) -> list[Target]:
    """The index that the reference means in each of the collections; those that have none are left out.

    A reference is the URI of a feature in any of its spellings, the name of an index or of an output, or
    ``namespace://collection/feature``. Raises ``ValidationError`` with what there is when no collection has it, and
    ``NotFoundError`` when it names a collection that the caller cannot reach.
    """
    collections, reference = _placed(context, collections, reference, location)
    found = [Target(one, index) for one in collections if (index := _index_of(one, reference)) is not None]
    if not found:
        found = [Target(one, index) for one in collections if (index := _only_dense(one, reference)) is not None]
    if not found:
        raise _unknown(collections, reference, location)
    return found


def available_uris(collections: Sequence[Collection]) -> list[str]:
    """By what the collections can be searched, each once."""
    return list(dict.fromkeys(feature_uri(index) for one in collections for index in _indexes(one)))


def _placed(
    context: Context, collections: Sequence[Collection], reference: str, location: list[str | int]
) -> tuple[Sequence[Collection], str]:
    """The collections and the feature, apart when the reference names both."""
    scheme, separator, rest = reference.partition("://")
    if not separator or scheme == "mixpeek":
        return collections, reference
    named, separator, feature = rest.partition("/")
    own = {"namespace", context.scope.namespace_id, context.namespace and context.namespace.namespace_name}
    if scheme not in own or not separator:
        message = (
            f"{reference!r} is no feature URI of this namespace; write mixpeek://extractor@version/output,"
            " namespace://collection/feature, or the name of a vector index"
        )
        raise ValidationError.at(location, message, "feature_uri_invalid")
    return [access_collection(context, named)], feature


def _indexes(collection: Collection) -> list[Index]:
    indexes: list[Index] = collection.body.get("vectors") or []
    return indexes


def _index_of(collection: Collection, reference: str) -> Index | None:
    """The index by one of its names, the most exact spelling first."""
    indexes = _indexes(collection)
    uri = parse_feature_uri(reference)
    spellings = _bare(reference) if uri is None else _spelled(uri)
    return next((index for fits in spellings for index in indexes if fits(index)), None)


def _bare(name: str) -> list[Callable[[Index], bool]]:
    return [lambda index: index["name"] == name, lambda index: index.get("output") == name]


def _spelled(uri: FeatureURI) -> list[Callable[[Index], bool]]:
    """Tests of an index: its own extractor's output under any name, then the same output of another extractor, whose
    vectors can be compared."""

    def own(index: Index) -> bool:
        return index.get("feature_extractor_id") == uri.extractor_id

    output = uri.output
    if output is None:
        return [lambda index: own(index) and index["kind"] == "dense", own]
    return [
        lambda index: own(index) and index.get("output") == output,
        lambda index: index["name"] in (output, f"{uri.extractor_id}_{output}"),
        lambda index: own(index) and _is_service_name(output, str(index.get("output"))),
        lambda index: own(index) and index["kind"] == "dense" and output in _DEFAULT_OUTPUTS,
        lambda index: index.get("output") == output,
    ]


def _is_service_name(name: str, output: str) -> bool:
    """``intfloat__multilingual-e5-large`` is how its makers call the model of ``multilingual_e5_large_v1``."""
    return name.rpartition("__")[2].replace("-", "_").lower() in (output, _VERSION.sub("", output))


def _only_dense(collection: Collection, reference: str) -> Index | None:
    """The contract's default URI means the first dense index of collections that have nothing of that name."""
    uri = parse_feature_uri(reference)
    output = reference if uri is None else uri.output
    if output not in _DEFAULT_OUTPUTS:
        return None
    return next((index for index in _indexes(collection) if index["kind"] == "dense"), None)


def _unknown(collections: Sequence[Collection], reference: str, location: list[str | int]) -> ValidationError:
    available = available_uris(collections)
    listed = ", ".join(available[:20]) or "none, as no document has brought a vector yet"
    error = ValidationError.at(
        location,
        f"no searched collection has the feature {reference[:200]!r}; there is {listed}",
        "feature_uri_unknown",
        code="feature_uri_unknown",
    )
    error.details = {**(error.details or {}), "available": available[:100]}
    return error
