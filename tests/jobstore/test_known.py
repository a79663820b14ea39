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


def test_remember_beyond_the_limit_is_no_longer_complete() -> None:
    known = KnownVersions(2)
    known.is_complete = True
    known.remember([("a", "1"), ("b", "1")])
    assert known.is_complete
    known.remember([("c", "1")])
    assert not known.is_complete
