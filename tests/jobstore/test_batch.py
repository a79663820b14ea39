from jobschema import Company, Job
from jobstore.batch import RowBatch
from jobstore.blocks import BlockMaker
from jobstore.tables import SCHEMA


def test_row_batch_is_its_rows_and_their_columns(make_job, make_company) -> None:
    rows = (make_job("a", title="一"), make_company(), make_job("b", title="二"))
    batch = RowBatch(rows)
    assert batch == rows
    assert batch.kinds == {Job: [rows[0], rows[2]], Company: [rows[1]]}
    assert batch.column(Job, "title") == ("一", "二")
    assert batch.column(Job, "title") is batch.column(Job, "title")
    assert batch.utf8(Job, "title") == ["一".encode(), "二".encode()]


def test_row_batch_texts_that_utf8_cannot_hold_are_not_encoded(make_job) -> None:
    for raw in ("cut \ud83d", None, {"title": 7}):
        assert RowBatch([make_job("a"), make_job("b", raw=raw)]).utf8(Job, "raw") is None


def test_block_of_a_batch_is_the_block_of_its_rows(make_job) -> None:
    jobs = [make_job("a", raw='{"名":1}'), make_job("b", skills=["x"])]
    maker = BlockMaker(SCHEMA.versions[Job, jobs[0].platform].table)
    assert maker.make(jobs, RowBatch(jobs)) == maker.make(jobs)
