"""What can go wrong while signing; the signing middleware decides by `is_transient` whether another attempt is worth it.

    SigningError
    ├── ScriptError         the operator's script threw, is absent or answered something else than it must (stop: the script must change)
    ├── SigningTimeout      one call ran longer than the time-out (try again: the engine was started afresh)
    └── EngineUnavailable   no JavaScript engine is installed, it died twice on one call, or the signer is closed

No message holds the request's secret, a header's value or a signature: what a script said is redacted first (redaction.py).
"""

from __future__ import annotations


class SigningError(Exception):
    """Base of everything this package raises to its callers. `slug` is an anchor in docs/signing.md."""

    slug = "signing-failed"
    is_transient = False

    def __str__(self) -> str:
        return f"{super().__str__()} (see docs/signing.md#{self.slug})"


class ScriptError(SigningError):
    """The operator's script is at fault; the same call would fail again."""

    slug = "signing-script-failed"


class SigningTimeout(SigningError):  # noqa: N818 (the name says it)
    """One call took too long and was stopped; the next one meets a fresh engine."""

    slug = "signing-timed-out"
    is_transient = True


class EngineUnavailable(SigningError):  # noqa: N818 (the name says it)
    """There is no engine to run the script on."""

    slug = "signing-engine-unavailable"
