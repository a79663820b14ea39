"""What the readers of short texts raise.

ValueError
└── Unreadable    a text whose meaning cannot be told for certain; `rows.py` keeps the row and notes `field:reason`
"""

from __future__ import annotations

SHOWN = 60  # characters of the offending text in the message


class Unreadable(ValueError):  # noqa: N818 - it says what the text is
    """A text that has no certain meaning. `reason` is a slug listed in docs/normalising.md, `text` the text as it came."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: cannot read {text[:SHOWN]!r}; docs/normalising.md lists the forms that can be read")
        self.reason = reason
        self.text = text
