"""The queries of the health routes."""

from __future__ import annotations

import apsw


def database_answers(connection: apsw.Connection) -> bool:
    """Whether the database can be read at all."""
    return connection.execute("SELECT value FROM counters WHERE name = 'catalogue'").get is not None


def jobs_by_state(connection: apsw.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT state, count(*) FROM jobs GROUP BY state")
    return {str(state): int(number) for state, number in rows}
