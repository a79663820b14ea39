"""Every error the crawler raises on purpose.

    JobspidersError
    ├── TransientError                 the same may go well later
    │   └── ControlAwayError           (control_client) the control plane does not answer, or says to come back
    └── TerminalError                  trying again cannot help
        ├── ControlRefusedError        (control_client) the control plane refuses: a wrong credential, a lost lease
        ├── RedisRefusedError          (feeds.redis) Redis refuses: a wrong password, a missing right, a key of another kind
        ├── ArgumentsInvalidError      a spider argument or setting; shown as a usage error before anything starts
        ├── PoolExhaustedError         no token or tunnel is left, or none comes back in time; the spider closes
        └── RefusedError               (also Scrapy's IgnoreRequest) the last attempt of a request ended in a bad verdict;
                                       goes to the errback, which makes the run partial

What may be tried again is no error here: a bad verdict becomes a retry in VerdictMiddleware, a connection fault in Scrapy's own.
The text of an error ends in its slug, an anchor in docs/troubleshooting.md.
"""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest

from jobspiders.platforms.base import Reading


class JobspidersError(Exception):
    """The root of the tree. `slug` names the section of docs/troubleshooting.md that tells what to do."""

    slug = "jobspiders-error"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} [docs/troubleshooting.md#{self.slug}]")


class TransientError(JobspidersError):
    """The same may go well later."""


class TerminalError(JobspidersError):
    """Trying again cannot help."""


class ArgumentsInvalidError(TerminalError):
    """A spider argument is missing or wrong."""

    slug = "arguments-invalid"


class PoolExhaustedError(TerminalError):
    """No token or tunnel is left for this platform, or none comes back within VERDICT_MAX_WAIT."""

    slug = "pool-exhausted"

    def __init__(self, message: str, finish_reason: str) -> None:
        super().__init__(message)
        self.finish_reason = finish_reason


class RefusedError(TerminalError, IgnoreRequest):
    """A request whose last attempt ended in a bad verdict."""

    slug = "refused"

    def __init__(self, message: str, reading: Reading) -> None:
        super().__init__(message)
        self.reading = reading
