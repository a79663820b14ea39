"""Whether the control plane can work, dependency by dependency, and the numbers for /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from control_api.db import Database
from control_api.errors import ControlError
from control_api.migrations import check_revision
from control_api.models import Keyword, KeywordRun, Token
from control_api.models.base import now_utc
from control_api.row_store import RowStore
from control_api.services import ingest, leases, nodes

Probe = Callable[[], None]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Health:
    """One dependency."""

    name: str
    is_ready: bool
    detail: str = ""


def list_probes(database: Database, rows: RowStore | None = None) -> dict[str, Probe]:
    """What must answer before work is taken: name -> a function that raises."""
    probes: dict[str, Probe] = {"database": database.ping, "schema": lambda: check_revision(database.engine)}
    return probes if rows is None or not rows.is_configured else {**probes, "store": rows.probe}


def probe(probes: Mapping[str, Probe]) -> list[Health]:
    """The state of every dependency. The detail names the kind of failure, never an address or a password."""
    found = []
    for name, ask in probes.items():
        try:
            ask()
        except ControlError as error:
            found.append(Health(name, False, str(error)))
        except (SQLAlchemyError, OSError) as error:
            found.append(Health(name, False, f"does not answer ({type(error).__name__})"))
        else:
            found.append(Health(name, True))
    return found


def measure(unit: Session, heartbeat_seconds: int) -> dict[str, dict[Labels, float]]:
    """Gauges from the database: keywords, running leases, tokens, nodes."""
    kinds = (col(Keyword.platform), col(Keyword.is_enabled))
    keywords = unit.exec(select(*kinds, func.count()).group_by(*kinds)).all()
    open_runs = unit.exec(
        select(KeywordRun.state, KeywordRun.platform, func.count())
        .where(col(KeywordRun.state).in_(leases.OPEN))
        .group_by(KeywordRun.state, KeywordRun.platform)
    ).all()
    tokens = unit.exec(select(Token.platform, Token.state, func.count()).group_by(Token.platform, Token.state)).all()
    batches = ingest.count_states(unit)
    return {
        "control_keywords": {(("platform", p), ("enabled", str(bool(e)).lower())): n for p, e, n in keywords},
        **{f"control_runs_{state}": {(("platform", p),): n for s, p, n in open_runs if s == state} for state in leases.OPEN},
        "control_tokens": {(("platform", p), ("state", s)): n for p, s, n in tokens},
        "control_ingest_batches": {(("state", state),): count for state, (count, _) in batches.items()},
        "control_ingest_waiting_bytes": {(): batches.get("waiting", (0, 0))[1]},
        "control_nodes": {(("state", state),): n for state, n in nodes.count_states(unit, now_utc(), heartbeat_seconds).items()},
    }
