"""Structured logs on standard error: JSON lines, or readable ones on a terminal.

Nothing logs a secret, a body, a vector or a query value; that is a rule for callers, and a test looks for canaries.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's loggers of this process.

    ``log_format`` is ``json``, ``console`` or ``auto`` (console on a terminal).
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    stamped: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    if not console:
        stamped.append(structlog.processors.format_exc_info)
    # One write a line: several processes share this stream.
    factory: Any = structlog.WriteLoggerFactory(sys.stderr)
    # The default formatter shows the variables of every frame: bodies and secrets among them.
    last: Any = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    if not console:
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
        last = structlog.processors.JSONRenderer(orjson.dumps, default=str)
    structlog.configure(
        processors=[*stamped, last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _configure_standard_library(stamped, last if console else None, _LEVELS[level])


def _configure_standard_library(stamped: list[Any], console: Any, level: int) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            console or structlog.processors.JSONRenderer(default=str),
        ],
        foreign_pre_chain=stamped,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    # Libraries talk a lot at level info, and uvicorn repeats there what our own log says.
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
