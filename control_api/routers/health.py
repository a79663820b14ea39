"""Is it alive, is it ready, and its numbers. Open to everybody who reaches the port; holds no names and no secrets."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from control_api.deps import ControlDep
from control_api.schemas.base import Answer
from control_api.services import health

router = APIRouter(tags=["health"])


class Alive(Answer):
    """The process answers."""

    status: str = "ok"


class Dependency(Answer):
    """One thing that the control plane needs."""

    name: str
    is_ready: bool
    detail: str


class Ready(Answer):
    """Whether work is taken, and what each dependency says."""

    is_ready: bool
    dependencies: list[Dependency]


@router.get("/healthz", summary="Is the process alive")
async def read_health() -> Alive:
    """Asks no dependency."""
    return Alive()


@router.get("/readyz", summary="Is every dependency ready", response_model=Ready, responses={503: {"model": Ready}})
def read_readiness(control: ControlDep) -> Response:
    """503 while one is not; the body names it."""
    found = health.probe(health.list_probes(control.database, control.rows))
    ready = Ready(is_ready=all(item.is_ready for item in found), dependencies=[Dependency.model_validate(item) for item in found])
    return JSONResponse(ready.model_dump(), 200 if ready.is_ready else 503)


@router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
def read_metrics(control: ControlDep) -> PlainTextResponse:
    """Prometheus text format."""
    with control.database.read() as unit:
        gauges = health.measure(unit, control.settings.heartbeat_seconds)
    return PlainTextResponse(control.metrics.render(gauges), media_type="text/plain; version=0.0.4; charset=utf-8")
