"""Every error the crawler raises on purpose.

    JobspidersError
    ├── Transient                 may be tried again
    │   └── PoolResting           every token or tunnel rests; the request waits
    └── Terminal                  trying again cannot help
        ├── ArgumentsInvalid      a spider argument; shown as a usage error
        ├── PoolExhausted         no token or tunnel is left, or none comes back in time; closes the spider
        └── Refused               (also scrapy's IgnoreRequest) the last attempt of a request ended in a bad verdict;
                                  goes to the errback, which counts the run as partial
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


class Transient(JobspidersError):
    """May be tried again."""


class Terminal(JobspidersError):
    """Trying again cannot help."""


class ArgumentsInvalid(Terminal):
    """A spider argument is missing or wrong."""

    slug = "arguments-invalid"


class PoolExhausted(Terminal):
    """No token or tunnel is left for this platform, or none comes back within VERDICT_MAX_WAIT."""

    slug = "pool-exhausted"

    def __init__(self, message: str, finish_reason: str) -> None:
        super().__init__(message)
        self.finish_reason = finish_reason


class Refused(Terminal, IgnoreRequest):
    """A request whose last attempt ended in a bad verdict."""

    slug = "refused"

    def __init__(self, message: str, reading: Reading) -> None:
        super().__init__(message)
        self.reading = reading
