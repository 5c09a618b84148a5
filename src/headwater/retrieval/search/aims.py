"""From what is looked for to what each index is asked: one aim for each collection that a search looks into."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import BadRequestError, ValidationError
from headwater.retrieval.search.forms import Asked, DocumentReference, Location
from headwater.retrieval.search.targets import Target, targets_of
from headwater.retrieval.search.text_models import model_of
from headwater.store.documents.naming import check_fits
from headwater.store.documents.records import DocumentRow, load_by_collection, load_vectors
from headwater.store.documents.vector_forms import SentVector, pack_vector
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import require_readable
from headwater.vectors.interface import VectorData


@dataclass(frozen=True)
class Aim:
    collection: Collection
    #: A vector under the name of the collection's index, or a text for its text index.
    query: VectorData | str


async def aims_of(
    context: Context, asked: Asked, targets: Sequence[Target], location: Location, warnings: list[str]
) -> list[Aim]:
    """What each index is asked. Raises ``ValidationError`` for a vector that fits none of them, and what the models
    raise for a text."""
    if asked.mode == "vector":
        return _aimed(pack_vector("query", asked.value, location, context.runtime.settings.max_vector_width), targets)
    if asked.mode == "document":
        return await _by_document(context, asked.value, targets, location)
    return await _by_text(context, asked.value, targets, location, warnings)


def random_aims(targets: Sequence[Target], seed: str, location: Location) -> list[Aim]:
    """A direction of no meaning, the same for the same seed."""
    dimensions = {target.dimensions for target in targets}
    if None in dimensions:
        message = "on_empty: random needs an index of dense vectors"
        raise ValidationError.at([*location, "on_empty"], message, "on_empty_random")
    source = random.Random(seed)
    width = targets[0].dimensions or 1
    values = np.array([source.gauss(0, 1) for _ in range(width)])
    vector = (values / np.linalg.norm(values)).astype("<f4").tobytes()
    return _aimed(SentVector("query", "dense", 1, width, vector, b"", False, location), targets)


def _aimed(vector: SentVector, targets: Sequence[Target]) -> list[Aim]:
    """The vector for each index that can compare it with its own."""
    refusal: ValidationError | None = None
    aims = []
    for target in targets:
        shaped = _as_kind(vector, target)
        try:
            check_fits(target.index, shaped)
        except ValidationError as error:
            refusal = refusal or error
        else:
            aims.append(Aim(target.collection, shaped.named(target.name)))
    if refusal is not None and not aims:
        raise refusal
    return aims


def _as_kind(vector: SentVector, target: Target) -> SentVector:
    """A single row is a dense vector, and a dense vector a single row."""
    if {vector.kind, target.kind} != {"dense", "multi"} or vector.rows != 1:
        return vector
    return SentVector(vector.key, target.kind, 1, vector.width, vector.data, b"", vector.directionless, vector.location)


async def _by_text(
    context: Context, text: str, targets: Sequence[Target], location: Location, warnings: list[str]
) -> list[Aim]:
    named = [model_of(context, target, location) for target in targets]
    vectors = {}
    for name in dict.fromkeys(named):
        [made] = await context.runtime.models.embed(name, [text])
        vectors[name] = _dense(made.vector, location)
        if made.truncated:
            warnings.append(f"the model {name} read only the first {made.tokens} tokens of the query")
    return [aim for target, name in zip(targets, named, strict=True) for aim in _aimed(vectors[name], [target])]


def _dense(vector: bytes, location: Location) -> SentVector:
    return SentVector("the text", "dense", 1, len(vector) // 4, vector, b"", False, location)


async def _by_document(
    context: Context, reference: DocumentReference, targets: Sequence[Target], location: Location
) -> list[Aim]:
    """By the vector that the document has under the same feature."""
    collection = access_collection(context, reference.collection_identifier)
    document = find_reference(context, collection.collection_row, reference)
    [own] = targets_of(context, [collection], targets[0].uri, [*location, "document_ref"])
    vectors = load_vectors(context.runtime.reader.connection, document.document_row)
    vector = next((one for one in vectors if one.name == own.name), None)
    if vector is None:
        raise BadRequestError(
            f"the document {reference.document_id} has no vector {own.name}; search by another document or a text",
            details={"document_id": reference.document_id, "vector": own.name},
            code="document_vector_missing",
        )
    sent = SentVector(
        f"of {reference.document_id}",
        vector.kind,
        vector.rows,
        vector.width,
        vector.data,
        vector.indices,
        False,
        location,
    )
    return _aimed(sent, targets)


def find_reference(context: Context, collection_row: int, reference: DocumentReference) -> DocumentRow:
    """The document that is searched by. ``NotFoundError`` also when the caller may not see it."""
    connection = context.runtime.reader.connection
    found = load_by_collection(connection, context.scope.namespace_row, collection_row, reference.document_id)
    return require_readable(context, found, reference.document_id)
