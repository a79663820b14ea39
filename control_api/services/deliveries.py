"""One delivery into the books and the counts of uploads, in one unit of work; twice at the same moment is once."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from control_api.db import Database
from control_api.models import IngestBatch
from control_api.principal import Actor
from control_api.services import ingest, uploads
from control_api.services.ingest import Delivery
from jobstore.ingest import PASS


def book(database: Database, actor: Actor, delivery: Delivery) -> tuple[IngestBatch, bool]:
    """The batch, durable, and whether it was there before. Raises Conflict when its identity belongs to other rows."""
    try:
        return database.retry(lambda unit: _book(unit, actor, delivery))
    except IntegrityError:  # the same batch came twice at the same moment
        with database.read() as unit:
            repeated = ingest.find_repeated(unit, delivery.batch_id, delivery.digest)
        if repeated is None:
            raise
        return repeated, True


def _book(unit: Session, actor: Actor, delivery: Delivery) -> tuple[IngestBatch, bool]:
    repeated = ingest.find_repeated(unit, delivery.batch_id, delivery.digest)
    if repeated is not None:
        return repeated, True
    batch = ingest.keep(unit, actor.principal.id, delivery)
    rows = 0 if delivery.data_type == PASS else delivery.accepted
    uploads.count(unit, actor.principal.name, actor.ip, rows=rows, size=len(delivery.body))
    return batch, False
