"""What can go wrong in the control plane, and the HTTP status it answers with.

    ControlError
    ├── SettingsInvalidError      start-up: the settings are missing, weak or wrong
    ├── DatabaseNotReadyError     start-up: the schema is not at the newest revision
    ├── RedisFaultError           a command: the Redis that nodes take keywords from refuses or does not answer
    └── Problem                   the answer to one request; the message goes to the client
        ├── Unauthenticated 401   no credential, or one that is not valid (any more)
        ├── Forbidden 403         a valid credential without the right
        ├── NotFound 404
        ├── Conflict 409          the thing exists, is in use, or has changed
        │   └── LeaseLost 409     the lease ended or belongs to another node: stop the work, its rows are still welcome
        ├── TooLarge 413
        ├── UnknownEncoding 415     the body is packed, or written, in a way that the door does not read
        ├── Invalid 422           a rule that the shape of the body cannot express
        ├── TooMany 429           with Retry-After
        └── Unavailable 503       the database is busy; with Retry-After

Services raise them; `problems.py` turns them into one JSON shape. Every class has a slug, an anchor in docs/control.md.
"""

from __future__ import annotations


class ControlError(Exception):
    """The root of the tree."""

    slug = "control-error"


class SettingsInvalidError(ControlError):
    """The settings are missing, weak or wrong; names the variables, quotes no value."""

    slug = "settings-invalid"


class DatabaseNotReadyError(ControlError):
    """The database's schema is not at the newest revision."""

    slug = "database-not-ready"


class RedisFaultError(ControlError):
    """The Redis that nodes take keywords from refuses or does not answer."""

    slug = "redis-fault"


class Problem(ControlError):  # noqa: N818  # RFC 9457's word
    """The answer to a request that cannot be served; `str()` is shown to the client, so it holds no secret."""

    status = 500
    slug = "internal"
    title = "Something went wrong here"

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unauthenticated(Problem):
    """No credential, or one that is not valid (any more)."""

    status, slug, title = 401, "unauthenticated", "Who are you?"


class Forbidden(Problem):
    """A valid credential without the right."""

    status, slug, title = 403, "forbidden", "This needs a right that you do not have"


class NotFound(Problem):
    """No such thing."""

    status, slug, title = 404, "not-found", "There is no such thing"


class Conflict(Problem):
    """The thing exists, is in use, or has changed meanwhile."""

    status, slug, title = 409, "conflict", "This does not fit the present state"


class LeaseLost(Conflict):
    """The lease ended or belongs to another node."""

    slug, title = "lease-lost", "The lease is not yours any more"


class TooLarge(Problem):
    """The body is larger than the door takes."""

    status, slug, title = 413, "too-large", "The body is too large"


class UnknownEncoding(Problem):
    """The body is packed, or written, in a way that the door does not read."""

    status, slug, title = 415, "unknown-encoding", "The body is in a form that is not read here"


class Invalid(Problem):
    """A rule that the shape of the body cannot express."""

    status, slug, title = 422, "invalid", "The request breaks a rule"


class TooMany(Problem):
    """Too many attempts; `retry_after` says when to come back."""

    status, slug, title = 429, "too-many", "Too many attempts"


class Unavailable(Problem):
    """The database is busy or away; come back after `retry_after` seconds."""

    status, slug, title = 503, "unavailable", "Not available now"
