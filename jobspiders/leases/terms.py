"""On what terms a keyword goes back: is it a failed attempt of the keyword, and does it keep its place in the queue? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobschema import Verdict

_BLOCKS = tuple(verdict.value for verdict in Verdict if verdict.is_block)
_EXHAUSTED = ("banned", "tokens_exhausted", "tunnels_exhausted")  # finish reasons of an empty pool


@dataclass(frozen=True, slots=True)
class ReturnTerms:
    """`counted`: one of the keyword's attempts failed. `keeps_place`: it is leased again before what came after it.

    `is_final`: no further attempt can bring more; to the dead letters at once, where an operator decides.
    """

    counted: bool
    keeps_place: bool
    is_final: bool = False


UNSTARTED = ReturnTerms(counted=False, keeps_place=True)
BLOCKED = ReturnTerms(counted=False, keeps_place=False)
FAILED = ReturnTerms(counted=True, keeps_place=False)
HOPELESS = ReturnTerms(counted=True, keeps_place=False, is_final=True)
_PERMANENT = {"search_capped"}  # the platform shows no more of this search: what there is was stored


def judge_return(causes: Mapping[str, int]) -> ReturnTerms:
    """The terms for a run's causes (cause -> how often).

    The end of the crawl is nobody's failure: the keyword keeps its place. A platform that refused the node is not the keyword's
    failure either, but it waits behind the others. What another attempt cannot mend is given up at once. Anything else counts.
    """
    own = [cause for cause in causes if not cause.startswith("crawl_")]
    if not own:
        return UNSTARTED
    if set(own) <= _PERMANENT:
        return HOPELESS
    if all(_is_block(cause) for cause in own):
        return BLOCKED
    return FAILED


def _is_block(cause: str) -> bool:
    """A cause is `<call kind>_<verdict or finish reason>`, as the ledger writes it."""
    return cause.endswith(_BLOCKS + _EXHAUSTED)
