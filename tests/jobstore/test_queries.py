from datetime import timedelta

import pytest

from jobschema import Platform
from jobstore.queries import (
    SalaryQuartiles,
    Sightings,
    company_counts,
    company_ids,
    first_rows,
    job_counts,
    job_ids,
    job_sightings,
    pending_company_ids,
    salary_quartiles,
    table_counts,
)


@pytest.fixture
def filled(store, make_job, make_company, make_pending):
    jobs = [make_job(f"b{n}", city="北京", month_low=1000.0 * n, month_high=1000.0 * n + 500) for n in range(1, 6)]
    jobs += [make_job(f"q{n}", platform=Platform.QCWY, city="上海", month_low=8000.0, month_high=9000.0) for n in range(3)]
    jobs += [make_job("q9", platform=Platform.QCWY, city="上海"), make_job("b1", day=3, title="又")]
    store.write_rows([*jobs, make_company("c1"), make_pending("c1"), make_pending("c2")], "t1")
    return store


def test_counts_and_ids_count_things_not_versions(filled) -> None:
    assert job_counts(filled) == {"boss": 5, "qcwy": 4, "zhilian": 0}
    assert company_counts(filled) == {"boss": 1, "qcwy": 0, "zhilian": 0}
    assert job_ids(filled, "boss") == {"b1", "b2", "b3", "b4", "b5"}
    assert company_ids(filled, "boss") == {"c1"}
    assert pending_company_ids(filled, "boss") == {"c2"}
    assert table_counts(filled)["boss_job"] == 6


@pytest.mark.parametrize("question", [job_ids, company_ids, pending_company_ids])
def test_ids_of_an_unknown_platform_are_refused(filled, question) -> None:
    with pytest.raises(ValueError, match="lagou"):
        question(filled, "lagou")


def test_salary_quartiles_by_platform_and_city(filled) -> None:
    beijing = SalaryQuartiles(Platform.BOSS, "北京", 5, 2250.0, 3250.0, 4250.0)
    shanghai = SalaryQuartiles(Platform.QCWY, "上海", 3, 8500.0, 8500.0, 8500.0)
    assert salary_quartiles(filled) == [beijing, shanghai]
    assert salary_quartiles(filled, cities=["上海", "'; DROP TABLE boss_job"]) == [shanghai]
    assert salary_quartiles(filled, least=4) == [beijing]


def test_first_rows_show_every_platform(filled) -> None:
    rows = first_rows(filled, 4)
    assert [(row["platform"], row["job_id"]) for row in rows] == [("boss", "b1"), ("boss", "b2"), ("qcwy", "q0"), ("qcwy", "q1")]
    assert first_rows(filled, 1, columns=("title",)) == [{"title": "又"}]


def test_first_rows_unknown_column_is_refused(filled) -> None:
    with pytest.raises(ValueError, match="no_such"):
        first_rows(filled, 1, columns=("title", "no_such"))


def test_job_sightings_of_one_posting(filled, make_job) -> None:
    start = make_job().crawled_at
    assert job_sightings(filled, "boss", "b1") == Sightings(start, start + timedelta(days=3), 2, 2)
    assert job_sightings(filled, "boss", "nobody") is None
