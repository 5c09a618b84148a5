"""The one error envelope: every answer that is not a success looks like this, whoever refused the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic_core.core_schema import ErrorType
from starlette.exceptions import HTTPException

from headwater import errors
from headwater.errors import HeadwaterError, InternalServerError, ValidationError, ValidationItem
from headwater.http.responses import JSONBytes

#: What a client waits before it repeats a refused request, when the error does not say.
DEFAULT_RETRY_AFTER_SECONDS = 1
_RETRYABLE = frozenset({429, 503})
#: Only the operator can help here; clients must not repeat the request for minutes.
_NOT_RETRYABLE = (errors.StorageReadOnlyError, errors.StorageCorruptedError)
_BY_STATUS: Mapping[int, type[HeadwaterError]] = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    405: errors.MethodNotAllowedError,
    413: errors.PayloadTooLargeError,
    415: errors.UnsupportedMediaTypeError,
    503: errors.ServiceUnavailableError,
}
_NOT_AN_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
#: The framework's rules whose text gains from the value that broke them.
_NAMES_VALUE = frozenset(get_args(ErrorType)) - {"missing", "extra_forbidden", "value_error", "assertion_error"}
MAX_SHOWN_CHARACTERS = 80


def envelope(error: HeadwaterError, status: int | None = None) -> dict[str, Any]:
    """The body for that error."""
    body: dict[str, Any] = {"message": error.message, "type": error.type}
    if error.code is not None:
        body["code"] = error.code
    body["details"] = _details(error)
    return {"success": False, "status": status or error.status, "error": body}


def _details(error: HeadwaterError) -> dict[str, Any] | None:
    if error.status not in _RETRYABLE:
        return error.details
    if isinstance(error, _NOT_RETRYABLE):
        return {"retryable": False, **(error.details or {})}
    # Clients look here when they cannot read the header.
    return {"retryable": True, "retry_after_seconds": _retry_after(error), **(error.details or {})}


def _retry_after(error: HeadwaterError) -> int:
    return error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS


def error_response(error: HeadwaterError, headers: Mapping[str, str] | None = None) -> JSONBytes:
    """The answer for that error, with the headers that its status asks for."""
    extra = dict(headers or {})
    if error.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    if error.status in _RETRYABLE and not isinstance(error, _NOT_RETRYABLE):
        extra["Retry-After"] = str(_retry_after(error))
    return JSONBytes(orjson.dumps(envelope(error), default=str), error.status, extra)


def from_framework(error: HTTPException) -> HeadwaterError:
    """Our error for one that the framework raised."""
    kind = _BY_STATUS.get(error.status_code, InternalServerError)
    return kind(str(error.detail))


def from_validation(error: RequestValidationError) -> ValidationError:
    """Our 422 for one of the framework's."""
    return ValidationError([_item(problem) for problem in error.errors()])


def validation_items(problems: Iterable[Mapping[str, Any]], *prefix: str | int) -> list[ValidationItem]:
    """Items for pydantic's ``error.errors()``, their places below ``prefix`` (such as ``"body"``)."""
    return [_item({**problem, "loc": (*prefix, *problem["loc"])}) for problem in problems]


def _item(problem: Mapping[str, Any]) -> ValidationItem:
    location = list(problem["loc"])
    message = _message(problem)
    where = ".".join(map(str, location[1:] or location))
    return {"type": problem["type"], "location": location, "message": f"{where}: {message}" if where else message}


def _message(problem: Mapping[str, Any]) -> str:
    # "Value error, …" is how pydantic shows a ValueError of ours.
    text = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in _NOT_AN_OBJECT:
        text = "should be a JSON object"
    return text[:1].lower() + text[1:] + _instead_of(problem)


def _instead_of(problem: Mapping[str, Any]) -> str:
    """What came instead, where it is short. Rules of our own name it themselves when it helps."""
    value = problem.get("input")
    if problem["type"] not in _NAMES_VALUE or not isinstance(value, str | int | float):
        return ""
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return f", not {shown}" if len(shown) <= MAX_SHOWN_CHARACTERS else ""


def internal_error(request_id: str) -> InternalServerError:
    """What a caller learns about a defect: where to find it in the log, nothing else."""
    return InternalServerError(
        f"internal error; the server's log has the details under request id {request_id}",
        details={"request_id": request_id},
    )
