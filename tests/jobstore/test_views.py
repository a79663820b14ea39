"""What analysts see: one row per posting with everything known of it, whatever order the versions came in."""

from datetime import date

import pytest

from jobschema import Education, Platform
from jobstore.views import SOURCES


@pytest.fixture(params=["unmerged", "merged"])
def settle(request, store):
    """Leaves parts as they are, or has the engine merge them: a view must answer the same."""

    def settle() -> None:
        if request.param == "merged":
            for table in ("boss_job", "boss_company", "job_sighting", "company_sighting"):
                store.read(f"OPTIMIZE TABLE {table} FINAL")

    return settle


def the_row(store, view: str = "job_analytics") -> dict:
    rows = store.read(f"SELECT * FROM {view}")
    assert len(rows) == 1
    return rows[0]


def test_job_analytics_list_only_version_hides_no_detail_seen_before(store, settle, make_job) -> None:
    store.write_rows([make_job(description="全文", address="某路 1 号", welfare=["双休"], longitude=116.4, title="旧")], "t1")
    store.write_rows([make_job(day=1, title="新", district="朝阳")], "t2")
    settle()
    row = the_row(store)
    known = {"title": "新", "district": "朝阳", "description": "全文", "address": "某路 1 号", "welfare": ["双休"], "longitude": 116.4}
    assert {name: row[name] for name in known} == known
    assert (row["first_seen"], row["last_seen"]) == (make_job().crawled_at, make_job(day=1).crawled_at)
    assert (row["times_seen"], row["versions"]) == (2, 2)
    assert row["content_hash"] == make_job(title="新", district="朝阳").content_hash


def test_job_analytics_detail_that_empties_a_column_wins(store, settle, make_job) -> None:
    store.write_rows([make_job(description="全文", address="某路 1 号", welfare=["双休"])], "t1")
    store.write_rows([make_job(day=1, description="")], "t2")
    settle()
    row = the_row(store)
    assert (row["description"], row["address"], row["welfare"]) == ("", "", [])


def test_job_analytics_older_version_stored_later_does_not_win(store, settle, make_job) -> None:
    store.write_rows([make_job(day=5, title="新")], "t1")
    store.write_rows([make_job(day=1, title="旧", description="全文")], "t2")
    settle()
    row = the_row(store)
    assert (row["title"], row["description"]) == ("新", "全文")


def test_job_analytics_posting_that_changes_back_shows_what_it_says_now(store, settle, make_job) -> None:
    for day, title in enumerate(("A", "B", "A")):
        store.write_rows([make_job(day=day, title=title)], f"t{day}")
    settle()
    row = the_row(store)
    assert (row["title"], row["versions"], row["times_seen"]) == ("A", 2, 3)
    assert row["last_seen"] == make_job(day=2).crawled_at


def test_job_analytics_new_text_takes_its_figures_with_it(store, settle, make_job) -> None:
    figures = {"salary_low": 10.0, "month_low": 10_000.0, "month_high": 20_000.0, "salary_months": 14}
    store.write_rows([make_job(salary_text="10-20K·14薪", education_text="本科", education=Education.BACHELOR, **figures)], "t1")
    store.write_rows([make_job(day=1, salary_text="面议", negotiable=True)], "t2")
    settle()
    row = the_row(store)
    assert {name: row[name] for name in figures} == {"salary_low": None, "month_low": None, "month_high": None, "salary_months": 12}
    assert (row["salary_text"], row["negotiable"]) == ("面议", True)
    assert (row["education_text"], row["education"]) == ("本科", "bachelor")


def test_job_analytics_problems_and_keyword_are_those_of_the_newest_version(store, settle, make_job) -> None:
    store.write_rows([make_job(problems=["salary:font"], keyword="python", salary_text="??")], "t1")
    store.write_rows([make_job(day=1, salary_text="10-20K", keyword="")], "t2")
    settle()
    row = the_row(store)
    assert (row["problems"], row["keyword"]) == ([], "")


def test_job_analytics_says_nothing_known_as_the_contract_does(store, make_job) -> None:
    job = make_job(negotiable=True)
    store.write_rows([job], "t1")
    row = the_row(store)
    assert {name: row[name] for name in SOURCES if hasattr(job, name)} == {
        name: getattr(job, name) for name in SOURCES if hasattr(job, name)
    }


def test_job_analytics_version_whose_sighting_is_missing_counts_as_seen_when_fetched(store, make_job) -> None:
    store.write_rows([make_job()], "t1")
    store.read("TRUNCATE TABLE job_sighting")
    row = the_row(store)
    assert (row["first_seen"], row["last_seen"], row["times_seen"]) == (make_job().crawled_at, make_job().crawled_at, 1)


def test_job_analytics_same_version_stored_twice_by_two_writers_is_one_row(store, make_job) -> None:
    store.write_rows([make_job()], "t1")
    store.read("INSERT INTO boss_job SELECT * FROM boss_job")
    row = the_row(store)
    assert (row["versions"], row["times_seen"]) == (1, 1)


def test_job_analytics_shows_all_platforms_in_one_shape_without_raw_and_personal_data(store, make_job) -> None:
    store.write_rows([make_job("same", platform=platform, recruiter="{}") for platform in Platform], "t1")
    rows = store.read("SELECT * FROM job_analytics ORDER BY platform")
    assert [row["platform"] for row in rows] == list(Platform)
    assert {"raw", "recruiter"}.isdisjoint(rows[0])
    assert store.read("SELECT count() AS jobs FROM job_analytics WHERE platform = 'qcwy'") == [{"jobs": 1}]


def test_company_analytics_shows_the_newest_knowledge(store, settle, make_company) -> None:
    store.write_rows(
        [make_company(introduction="简介", founded_text="1999-09-09", founded_on=date(1999, 9, 9), size_text="20-99人", size_low=20)], "t1"
    )
    store.write_rows([make_company(day=1, size_text="100-499人", size_low=100, size_high=499)], "t2")
    settle()
    row = the_row(store, "company_analytics")
    known = {
        "introduction": "简介",
        "founded_on": date(1999, 9, 9),
        "size_text": "100-499人",
        "size_low": 100,
        "size_high": 499,
        "versions": 2,
    }
    assert {name: row[name] for name in known} == known
