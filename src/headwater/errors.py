"""Every error that a caller can see. The class name is the ``error.type`` on the wire.

HeadwaterError
├── BadRequestError 400 · UnauthorizedError 401
├── ForbiddenError 403 · QuotaExceededError 403 · NotEnabledError 403 · SignatureError 403
├── NotFoundError 404 · MethodNotAllowedError 405 · RequestTimeoutError 408
├── ConflictError 409 · AlreadyExistsError 409 · PreconditionFailedError 412
├── PayloadTooLargeError 413 · URITooLongError 414 · UnsupportedMediaTypeError 415
├── RangeNotSatisfiableError 416 · ValidationError 422 · URLValidationError 422 · BlockedUrlError 422
├── TooManyRequestsError 429 · HeadersTooLargeError 431 · InternalServerError 500
├── ServiceUnavailableError 503 · StorageReadOnlyError 503 · StorageCorruptedError 503
└── QueryTimeoutError 504 · InsufficientStorageError 507

A 503 promises that nothing was stored: clients repeat such a request for minutes.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypedDict


class HeadwaterError(Exception):
    """Base of all errors that become the one error envelope."""

    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        code: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.code = code
        self.retry_after_seconds = retry_after_seconds

    @property
    def type(self) -> str:
        return type(self).__name__


class BadRequestError(HeadwaterError):
    """The request contradicts itself or lacks what its route needs. Correct it and send it again."""

    status = 400


class UnauthorizedError(HeadwaterError):
    """No API key, or one that is unknown, expired or revoked. Send ``Authorization: Bearer sk_…``."""

    status = 401


class ForbiddenError(HeadwaterError):
    """The key is valid but lacks the permission, scope, origin or ACL right."""

    status = 403


class QuotaExceededError(HeadwaterError):
    """A configured quota of the organization is used up."""

    status = 403


class NotEnabledError(HeadwaterError):
    """The feature is not part of this deployment. ``details.feature`` names it."""

    status = 403


class SignatureError(HeadwaterError):
    """A signed link was changed, is not one of this server, or has expired. Ask for a new one."""

    status = 403


class NotFoundError(HeadwaterError):
    """Nothing with that id or name is visible to the caller."""

    status = 404

    @classmethod
    def of(cls, resource: str, identifier: str) -> NotFoundError:
        """The one wording for "not found", so that another tenant's object looks like a random id."""
        return cls(
            f"{resource.replace('_', ' ').capitalize()} not found",
            details={"resource": resource, "id": identifier},
            code=f"{resource}_not_found",
        )


class MethodNotAllowedError(HeadwaterError):
    """The path exists, the method does not. The ``Allow`` header lists the ones that do."""

    status = 405


class RequestTimeoutError(HeadwaterError):
    """The request's headers or body arrived too slowly."""

    status = 408


class ConflictError(HeadwaterError):
    """The object's state forbids this: frozen collection, reused idempotency key, lineage cycle."""

    status = 409


class AlreadyExistsError(HeadwaterError):
    """The name or id is taken."""

    status = 409


class PreconditionFailedError(HeadwaterError):
    """``If-Match`` names another version. Read the document again and repeat the change on it."""

    status = 412


class PayloadTooLargeError(HeadwaterError):
    """The body is larger than ``HEADWATER_MAX_BODY_BYTES``. Split the request."""

    status = 413


class URITooLongError(HeadwaterError):
    """The request's target is longer than 16 KiB. Send what is long in the body."""

    status = 414


class UnsupportedMediaTypeError(HeadwaterError):
    """The body has a content type or encoding that the route does not read."""

    status = 415


class RangeNotSatisfiableError(HeadwaterError):
    """``Range`` asks for something beyond the end of the file, or for several parts. Ask for one part that it has."""

    status = 416


class URLValidationError(HeadwaterError):
    """A file could not be fetched from its URL: nobody answers, it is missing, too large or too slow."""

    status = 422


class BlockedUrlError(HeadwaterError):
    """A URL that is not fetched: not HTTP, with a password, or to an address inside the server's own network.
    ``HEADWATER_FETCH_ALLOW`` names the exceptions."""

    status = 422


class ValidationItem(TypedDict):
    """One violation: a stable type, where it is, and a sentence about it."""

    type: str
    location: list[str | int]
    message: str


class ValidationError(HeadwaterError):
    """The payload is malformed. ``details.validation_errors`` names each place."""

    status = 422

    def __init__(self, items: list[ValidationItem], *, code: str | None = None) -> None:
        super().__init__(
            f"Validation error: {items[0]['message']}" if items else "Validation error",
            details={"validation_errors": items},
            code=code,
        )

    @classmethod
    def at(
        cls, location: list[str | int], message: str, kind: str = "value_error", *, code: str | None = None
    ) -> ValidationError:
        """A single violation at ``location``, such as ``["body", "features", 0, "vectors"]``."""
        return cls([{"type": kind, "location": location, "message": message}], code=code)


class TooManyRequestsError(HeadwaterError):
    """A rate limit is used up. Wait ``Retry-After`` seconds."""

    status = 429


class HeadersTooLargeError(HeadwaterError):
    """The request has more than 100 header fields, or more than 64 KiB of them."""

    status = 431


class InternalServerError(HeadwaterError):
    """A defect in the server, or a write whose outcome could not be learned (``retryable: false``)."""

    status = 500


class ServiceUnavailableError(HeadwaterError):
    """A part of the server is down or overloaded. Nothing was stored; repeat after ``Retry-After``."""

    status = 503


class StorageReadOnlyError(HeadwaterError):
    """The disk refused to sync, so no later write can be trusted until the server is restarted."""

    status = 503


class StorageCorruptedError(HeadwaterError):
    """A stored record failed its checksum. Run ``headwater verify``, then restore a backup."""

    status = 503


class QueryTimeoutError(HeadwaterError):
    """The query took longer than allowed. Narrow it, or declare a payload index on its fields."""

    status = 504


class InsufficientStorageError(HeadwaterError):
    """The disk is too full for a durable write. Reads and deletes go on; free some space."""

    status = 507


def _tree(base: type[HeadwaterError]) -> dict[str, type[HeadwaterError]]:
    found = {base.__name__: base}
    for child in base.__subclasses__():
        found |= _tree(child)
    return found


ERROR_TYPES: dict[str, type[HeadwaterError]] = _tree(HeadwaterError)


def to_wire(error: HeadwaterError) -> dict[str, Any]:
    """A plain form that crosses the socket between the processes and loses nothing."""
    return {
        "type": error.type,
        "message": error.message,
        "details": error.details,
        "code": error.code,
        "retry_after_seconds": error.retry_after_seconds,
    }


def from_wire(data: dict[str, Any]) -> HeadwaterError:
    """The error that ``to_wire`` was given."""
    kind = ERROR_TYPES.get(data["type"], InternalServerError)
    error = kind.__new__(kind)
    HeadwaterError.__init__(
        error,
        data["message"],
        details=data["details"],
        code=data["code"],
        retry_after_seconds=data["retry_after_seconds"],
    )
    return error
