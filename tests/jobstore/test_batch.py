from jobschema import Company, Job
from jobschema.columns import columns
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


def test_row_batch_of_columns_is_the_batch_of_the_same_rows(make_job) -> None:
    jobs = (make_job("a", title="一"), make_job("b", skills=["x"], published_at=None))
    batch = RowBatch.of_columns(Job, {column.name: [getattr(job, column.name) for job in jobs] for column in columns(Job)})
    assert batch == jobs
    assert batch.column(Job, "skills") == tuple(job.skills for job in jobs)


def test_row_batch_of_columns_without_rows_is_empty() -> None:
    assert RowBatch.of_columns(Job, {"job_id": [], "title": []}) == ()


def test_row_batches_joined_keep_the_columns_that_all_of_them_know(make_job) -> None:
    one, other = RowBatch([make_job("a", title="一"), make_job("b")]), RowBatch([make_job("c", title="三")])
    for batch in (one, other):
        batch.column(Job, "title")
    one.column(Job, "job_id")
    whole = RowBatch.joined([one, other])
    assert whole == (*one, *other)
    assert set(whole._read) == {(Job, "title")}
    assert whole.column(Job, "title") == ("一", make_job("b").title, "三")
    assert whole.column(Job, "job_id") == ("a", "b", "c")
    assert RowBatch.joined([one]) is one
    assert RowBatch.joined([]) == ()


def test_block_of_some_rows_of_a_batch_is_the_block_of_these_rows(make_job, make_company) -> None:
    jobs = [make_job("a", raw='{"名":1}'), make_job("b", skills=["x"]), make_job("c", raw="cut \ud83d")]
    maker = BlockMaker(SCHEMA.versions[Job, jobs[0].platform].table)
    for places in ([0], [2], [0, 1], [1, 2]):
        chosen = RowBatch([jobs[place] for place in places])
        assert maker.make(RowBatch([make_company(), *jobs]), Job, places) == maker.make(chosen, Job)
