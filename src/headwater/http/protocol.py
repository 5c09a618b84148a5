"""HTTP/1.1 on the wire: deadlines, limits and one reading of every message.

uvicorn's protocol trusts its peer to be quick and its parser to be strict. This subclass adds what is missing: time
limits for headers, bodies and readers, size limits, exactly one ``Host``, and at most one answer to a connection whose
framing cannot be trusted any more. Refusals have the same envelope as every other error.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from headwater import ids
from headwater.errors import (
    BadRequestError,
    HeadwaterError,
    RequestTimeoutError,
    ServiceUnavailableError,
)
from headwater.http.envelope import error_response
from headwater.http.framing import FramingError, MessageHead
from headwater.settings import Settings

if TYPE_CHECKING:
    from asyncio.events import TimerHandle

_log = structlog.get_logger("headwater.http")

#: After the last answer, what the client still sends is read and dropped for this long, or it may never see the answer.
LINGER_SECONDS = 2.0
_CONTINUE = b"HTTP/1.1 100 "
#: How often the progress of a body or of a reader is looked at, once the grace is over.
_PROGRESS_SECONDS = 5.0


class Protocol(HttpToolsProtocol):
    """One connection. Phases: idle, head, body; each has its clock, and ``_deadline`` is the one that runs."""

    settings: Settings  # set on a subclass by ``protocol_class``

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head: MessageHead | None = None
        self._deadline: TimerHandle | None = None
        self._reader_deadline: TimerHandle | None = None
        self._body_bytes = 0
        self._received_any = False
        #: Nothing that arrives from here on is parsed.
        self._deaf = False
        self._lingering = False
        self._cycle_transport = _CycleTransport(self)
        if len(self.connections) > self.settings.max_connections:
            self._refuse(
                ServiceUnavailableError("too many connections; close idle ones or try again", retry_after_seconds=1)
            )
            return
        self._arm(self.settings.header_timeout_seconds, self._head_expired)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._disarm_reader()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._received_any = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here. What follows the head cannot be told from the other protocol's data.
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            self._framing_failed(error)
            return
        if self._head is not None:
            self._watch_head(len(data))
        elif self._deadline is None and self._body_pending():
            self._arm(self.settings.body_grace_seconds, self._body_graced)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client closed its sending half. True keeps ours open for the answer to what it sent completely."""
        answering = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if self._head is not None or not answering:
            return False
        self.cycle.keep_alive = False
        return True

    # Parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = MessageHead()
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        assert self._head is not None
        self._head.saw_url(len(self.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if self._head is None:
            # A trailer of a chunked body. It is nothing that we read.
            raise FramingError(BadRequestError("trailers are not read"))
        self._head.saw_header(name.lower(), value)

    def on_headers_complete(self) -> None:
        head = self._head
        assert head is not None
        head.check(self.parser.get_http_version())
        self._head = None
        self._disarm()
        super().on_headers_complete()
        self.cycle.transport = cast(asyncio.Transport, self._cycle_transport)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._cycle_transport.answer_complete()
        if self._deaf or self.transport.is_closing():
            self.server_state.total_requests += 1
            return
        super().on_response_complete()

    # Slow clients

    def _watch_head(self, size: int) -> None:
        assert self._head is not None
        if self._deadline is None:
            self._arm(self.settings.header_timeout_seconds, self._head_expired)
        try:
            self._head.saw_bytes(size)
        except FramingError as error:
            self._framing_failed(error)

    def _head_expired(self) -> None:
        self._deadline = None
        if not self._received_any:
            self.transport.close()
            return
        self._end(
            RequestTimeoutError(
                f"the request's headers did not arrive within {self.settings.header_timeout_seconds:g} seconds"
            )
        )

    def _body_graced(self) -> None:
        self._body_seen = self._body_bytes
        self._arm(_PROGRESS_SECONDS, self._body_checked)

    def _body_checked(self) -> None:
        enough = self.settings.body_min_bytes_per_second * _PROGRESS_SECONDS
        # While we do not read, the client is not the one who is slow.
        if self.flow.read_paused or self._body_bytes - self._body_seen >= enough:
            self._body_graced()
            return
        rate = self.settings.body_min_bytes_per_second
        self._end(RequestTimeoutError(f"the body arrived at less than {rate} bytes per second; nothing was stored"))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._disarm_reader()

    def _watch_reader(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._reader_deadline = self.loop.call_later(self.settings.body_grace_seconds, self._reader_checked)

    def _reader_checked(self) -> None:
        enough = self.settings.body_min_bytes_per_second * self.settings.body_grace_seconds
        if self._unsent - self.transport.get_write_buffer_size() >= enough:
            self._watch_reader()
            return
        self.transport.abort()

    # Ends

    def _framing_failed(self, error: Exception) -> None:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, FramingError):
            cause = cause.__cause__ or cause.__context__
        self._end(
            cause.answer
            if isinstance(cause, FramingError)
            else BadRequestError("the request is not well-formed HTTP; the connection is closed")
        )

    def _end(self, error: HeadwaterError) -> None:
        """The rest of this connection cannot be trusted. Whoever is being answered gets that answer, nobody else."""
        self._deaf = True
        self._disarm()
        self.pipeline.clear()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._refuse(error)
        elif not cycle.more_body:
            # The failure is in what came after a complete request.
            cycle.keep_alive = False
        elif cycle.response_started:
            self.transport.abort()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._refuse(error)

    def _refuse(self, error: HeadwaterError) -> None:
        request_id = ids.new_request_id()
        _log.info("connection refused", request_id=request_id, status=error.status, reason=error.message)
        response = error_response(error)
        lines = [STATUS_LINE[error.status]]
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"x-request-id", request_id.encode())]
        lines += [name + b": " + value + b"\r\n" for name, value in headers]
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", bytes(response.body)]))
        self._linger()

    def close_after_answer(self) -> None:
        """Called when the last answer is written."""
        if self.cycle is not None and self.cycle.more_body:
            self._linger()
        else:
            self.transport.close()
            self._abort_later()

    def _linger(self) -> None:
        # Closing with unread data makes the kernel send a reset, which destroys the answer on its way to the client.
        self._deaf = self._lingering = True
        self._disarm()
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._abort_later()

    def _abort_later(self) -> None:
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_later()

    def shutdown(self) -> None:
        """The worker drains: no request that is not complete by now will be served."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _body_pending(self) -> bool:
        return self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete

    def _arm(self, seconds: float, callback: Any) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, callback)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _disarm_reader(self) -> None:
        if self._reader_deadline is not None:
            self._reader_deadline.cancel()
            self._reader_deadline = None


class _CycleTransport:
    """What an answer is written to.

    Its head waits for the first bytes of its body, so that most answers are one packet and one system call. Closing
    lets the client read the answer first.
    """

    __slots__ = ("_head", "_head_expected", "_protocol", "_write", "is_closing")

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing
        self._head = b""
        self._head_expected = True

    def write(self, data: bytes) -> None:
        if self._head_expected and not data.startswith(_CONTINUE):
            self._head, self._head_expected = data, False
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._write(data)

    def answer_complete(self) -> None:
        if self._head:
            self._write(self._head)
            self._head = b""
        self._head_expected = True

    def close(self) -> None:
        self.answer_complete()
        self._protocol.close_after_answer()


def protocol_class(settings: Settings) -> type[Protocol]:
    """The protocol with these limits."""
    return type("ConfiguredProtocol", (Protocol,), {"settings": settings})
