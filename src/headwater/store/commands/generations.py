"""Commands about index generations: begin one, adopt a built one, throw a damaged one away.

A generation is a directory ``vectors/{collection_row}-{generation}``. It is ``building`` until the builder is done,
``built`` until the storage process has caught it up, then ``live``; the one it replaces loses its row in the same
transaction. ``damaged`` marks a live one that must not be trusted any more.
"""

from __future__ import annotations

from typing import Any

from headwater.errors import ConflictError, NotFoundError
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction


class RequestBuild(Command):
    """Enqueue the build of a new generation, unless one is waiting or running."""

    collection_row: int


class BeginGeneration(Command):
    """Register the generation that a builder is about to make. A half-built one is begun again."""

    collection_row: int


class AdoptGeneration(Command):
    """Make a built generation the live one, once it is caught up. ``indexed``: vectors it holds."""

    collection_row: int
    generation: int
    indexed: int


@handles(RequestBuild)
def request_build(tx: Transaction, command: RequestBuild) -> dict[str, Any]:
    return {"job_id": enqueue_build(tx, command.collection_row)}


def enqueue_build(tx: Transaction, collection_row: int) -> str:
    return tx.enqueue("index.build", {"collection_row": collection_row}, unique_key=f"index.build:{collection_row}")


@handles(BeginGeneration)
def begin_generation(tx: Transaction, command: BeginGeneration) -> dict[str, Any]:
    collection = tx.collection(command.collection_row)
    # An earlier build that was cut short, or one that is waiting to be adopted, gives way to this one.
    tx.execute(
        "DELETE FROM generations WHERE collection_row = ? AND state IN ('building', 'built')",
        (command.collection_row,),
    )
    latest = tx.one("SELECT max(generation) FROM generations WHERE collection_row = ?", (command.collection_row,))
    # Never a number used before: its directory may still be there, and open.
    generation = tx.next_sequence()
    assert latest is None or latest[0] is None or generation > latest[0]
    tx.execute(
        "INSERT INTO generations (collection_row, generation, state, sequence, created_at)"
        " VALUES (?, ?, 'building', ?, ?)",
        (command.collection_row, generation, tx.sequence, tx.now),
    )
    return {
        "generation": generation,
        "sequence": tx.sequence,
        "specs": [[spec.name, spec.kind, spec.dimensions, spec.distance] for spec in collection.vectors],
    }


@handles(AdoptGeneration)
def adopt_generation(tx: Transaction, command: AdoptGeneration) -> dict[str, Any]:
    tx.collection(command.collection_row)
    row = tx.one(
        "SELECT state FROM generations WHERE collection_row = ? AND generation = ?",
        (command.collection_row, command.generation),
    )
    if row is None:
        raise NotFoundError.of("generation", f"{command.collection_row}-{command.generation}")
    if row[0] != "building":
        raise ConflictError(f"generation {command.collection_row}-{command.generation} is {row[0]}, not building")
    tx.execute(
        "UPDATE generations SET state = 'built', indexed = ? WHERE collection_row = ? AND generation = ?",
        (command.indexed, command.collection_row, command.generation),
    )
    tx.effects.adopted_generations.append((command.collection_row, command.generation))
    return {}
