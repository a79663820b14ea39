"""The closed sets of values that rows, messages and stats use. Declaration order is the order of comparison in the stores."""

from enum import StrEnum


class Platform(StrEnum):
    """A recruitment platform that we crawl."""

    BOSS = "boss"
    QCWY = "qcwy"
    ZHILIAN = "zhilian"


class Period(StrEnum):
    """What a salary figure is paid for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ONCE = "once"


class Education(StrEnum):
    """The least education asked for, from the lowest to the highest."""

    UNLIMITED = "unlimited"
    JUNIOR_HIGH = "junior_high"
    HIGH_SCHOOL = "high_school"
    VOCATIONAL = "vocational"
    COLLEGE = "college"
    BACHELOR = "bachelor"
    MASTER = "master"
    DOCTOR = "doctor"


class Employment(StrEnum):
    """The kind of contract a posting offers."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    INTERN = "intern"
    CAMPUS = "campus"


class Verdict(StrEnum):
    """What a response really was, whatever its HTTP status said."""

    OK = "ok"
    EMPTY = "empty"
    RATE_LIMITED = "rate_limited"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a verdict
    ACCOUNT_BANNED = "account_banned"
    IP_BANNED = "ip_banned"
    CHALLENGE = "challenge"
    SOFT_BAN = "soft_ban"
    SCHEMA_CHANGED = "schema_changed"
    SERVER_ERROR = "server_error"
    NOT_FOUND = "not_found"

    @property
    def is_good(self) -> bool:
        """Whether the response says what the platform knows (an empty result and a missing page are knowledge)."""
        return self in _GOOD

    @property
    def is_block(self) -> bool:
        """Whether the platform refused this client: the request itself was fine and may be tried again differently."""
        return self in _BLOCKS


_GOOD = frozenset({Verdict.OK, Verdict.EMPTY, Verdict.NOT_FOUND})
_BLOCKS = frozenset(
    {
        Verdict.RATE_LIMITED,
        Verdict.TOKEN_INVALID,
        Verdict.ACCOUNT_BANNED,
        Verdict.IP_BANNED,
        Verdict.CHALLENGE,
        Verdict.SOFT_BAN,
    }
)
