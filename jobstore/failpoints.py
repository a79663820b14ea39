"""Named places between a fetched page and an acknowledged keyword, where a test may stop or kill the process. Inert unless armed.

Nothing in the product arms them, reads an environment for them or depends on them: a crash test's own process does, with a function.
"""

from __future__ import annotations

from collections.abc import Callable


def _pass(_point: str) -> None:
    """Nobody listens."""


_reached: Callable[[str], None] = _pass


def arm(on_reached: Callable[[str], None] | None) -> None:
    """Call `on_reached(point)` at every point from now on; None disarms."""
    global _reached  # noqa: PLW0603 - one process, one listener
    _reached = on_reached or _pass


def reach(point: str) -> None:
    """Say that this place was reached. Called a few times for each page or batch, never for each row."""
    _reached(point)
