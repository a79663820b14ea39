"""Claims on keywords over HTTP, for nodes: take, extend, complete, return."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from control_api.deps import ControlDep, needs
from control_api.models import Keyword, KeywordRun
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.keywords import (
    LeaseAnswer,
    LeasedKeyword,
    LeaseExtend,
    LeaseExtended,
    LeaseOutcome,
    LeaseReturn,
    LeasesAnswer,
    RunAnswer,
)
from control_api.services import leases
from control_api.services.leases import LeaseRules, Outcome
from jobschema import Platform

router = PrefixRouter(prefix="/api/v1/keyword", tags=["leases (node)"], responses=answers(401, 403, 422))
NodeDep = Annotated[Actor, needs("keyword")]
LeaseId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/available", summary="Claim keywords (node)")
def claim_keywords(
    control: ControlDep, actor: NodeDep, platform: Annotated[Platform, Query()], count: Annotated[int, Query(ge=1, le=100)] = 1
) -> LeasesAnswer:
    """The most urgent keywords of a platform that are due, each to this node alone until the lease ends. Empty: none is due."""
    rules = LeaseRules.of(control.settings)
    claimed = control.database.retry(lambda unit: leases.claim(unit, actor.principal.id, platform, count, rules))
    return LeasesAnswer(leases=[_show(keyword, run, rules) for keyword, run in claimed])


def _show(keyword: Keyword, run: KeywordRun, rules: LeaseRules) -> LeaseAnswer:
    what = LeasedKeyword(
        platform=Platform(keyword.platform),
        text=keyword.text,
        city_code=keyword.city_code,
        depth=keyword.depth,
        keyword_id=str(keyword.id),
        priority=keyword.priority,
    )
    return LeaseAnswer(
        lease_id=str(run.id), keyword=what, epoch=run.epoch, attempt=run.attempt, lease_seconds=rules.seconds, expires_at=run.lease_until
    )


@router.post("/lease/{lease_id}/extend", summary="Extend a lease (node)", responses=answers(409))
def extend_lease(lease_id: LeaseId, body: LeaseExtend, control: ControlDep, actor: NodeDep) -> LeaseExtended:
    """409 `lease-lost`: another node has the keyword; stop the run."""
    rules = LeaseRules.of(control.settings)
    until = control.database.retry(lambda unit: leases.extend(unit, actor.principal.id, lease_id, body.epoch, rules))
    return LeaseExtended(expires_at=until)


@router.post("/lease/{lease_id}/complete", summary="Complete a run (node)", responses=answers(409))
def complete_lease(lease_id: LeaseId, body: LeaseOutcome, control: ControlDep, actor: NodeDep) -> RunAnswer:
    """Every page was read and every row stored. Saying it twice answers the same."""
    outcome = Outcome(body.pages, body.jobs, body.companies)
    run = control.database.retry(lambda unit: leases.complete(unit, actor.principal.id, lease_id, body.epoch, outcome))
    return RunAnswer.model_validate(run)


@router.post("/lease/{lease_id}/return", summary="Return a keyword (node)", responses=answers(409))
def return_lease(lease_id: LeaseId, body: LeaseReturn, control: ControlDep, actor: NodeDep) -> RunAnswer:
    """The run lacks something: tried again after a rest. Without causes: free at once. Saying it twice answers the same."""
    outcome = Outcome(body.pages, body.jobs, body.companies, body.causes)
    rules = LeaseRules.of(control.settings)
    run = control.database.retry(lambda unit: leases.give_back(unit, actor.principal.id, lease_id, body.epoch, outcome, rules))
    return RunAnswer.model_validate(run)
