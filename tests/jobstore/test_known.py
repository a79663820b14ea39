from jobstore.known import KnownVersions


def test_find_unknown_remembered_versions_are_left_out() -> None:
    known = KnownVersions(10)
    known.remember([("a", "1"), ("b", "1")])
    assert known.find_unknown([("a", "1"), ("a", "2"), ("c", "1")]) == [("a", "2"), ("c", "1")]


def test_remember_beyond_the_limit_drops_what_was_not_seen_longest() -> None:
    known = KnownVersions(2)
    known.remember([("a", "1"), ("b", "1")])
    known.find_unknown([("a", "1")])
    known.remember([("c", "1")])
    assert len(known) == 2
    assert known.find_unknown([("a", "1"), ("b", "1"), ("c", "1")]) == [("b", "1")]


VERSIONS = [(f"job{number}", "1") for number in range(1_000)]


def test_find_possible_incomplete_whatever_is_unknown_may_be_stored() -> None:
    known = KnownVersions(2)
    known.remember(VERSIONS[:10])
    assert known.find_possible(VERSIONS[:20]) == VERSIONS[:20]


def test_find_possible_complete_within_the_limit_nothing_unknown_is_stored() -> None:
    known = KnownVersions(10, is_complete=True)
    known.remember(VERSIONS[:10])
    assert known.find_possible(VERSIONS[10:]) == []


def test_find_possible_complete_beyond_the_limit_all_that_was_remembered_once() -> None:
    known = KnownVersions(10, is_complete=True)
    for start in range(0, 500, 50):
        known.remember(VERSIONS[start : start + 50])
    assert len(known) == 10
    assert known.find_possible(VERSIONS) == VERSIONS[:500]


def test_find_possible_doubted_versions_may_be_stored() -> None:
    known = KnownVersions(10, is_complete=True)
    known.remember(VERSIONS[:5])
    known.doubt(VERSIONS[5:7])
    assert known.find_unknown(VERSIONS[:10]) == VERSIONS[5:10]
    assert known.find_possible(VERSIONS[5:10]) == VERSIONS[5:7]


def test_find_possible_complete_far_beyond_the_limit_asks_for_few_others() -> None:
    known = KnownVersions(10, is_complete=True)
    stored = [(f"job{number}", "1") for number in range(100_000)]
    known.remember(stored)
    assert known.find_possible(stored) == stored
    by_chance = known.find_possible([(f"job{number}", "2") for number in range(100_000)])
    assert len(by_chance) < 100
