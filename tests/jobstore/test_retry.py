import pytest

from jobstore import RetryPolicy
from jobstore.errors import StatementRefusedError, StoreBusyError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def failing(times: int, error: Exception):
    left = [times]

    def action() -> str:
        if left[0]:
            left[0] -= 1
            raise error
        return "done"

    return action


def test_run_transient_failures_are_repeated_with_growing_waits(clock: Clock) -> None:
    policy = RetryPolicy(first=1, longest=5, give_up_after=100, sleep=clock.sleep, clock=lambda: clock.now)
    seen = []
    assert policy.run(failing(5, StoreBusyError("busy")), seen.append) == "done"
    assert clock.waits == [1, 2, 4, 5, 5]
    assert len(seen) == 5


def test_run_transient_failures_for_too_long_raise_the_last_one(clock: Clock) -> None:
    policy = RetryPolicy(first=1, longest=5, give_up_after=12, sleep=clock.sleep, clock=lambda: clock.now)
    with pytest.raises(StoreBusyError):
        policy.run(failing(99, StoreBusyError("busy")), lambda error: None)
    assert clock.waits == [1, 2, 4, 5]


def test_run_terminal_failure_is_not_repeated(clock: Clock) -> None:
    with pytest.raises(StatementRefusedError):
        RetryPolicy(sleep=clock.sleep).run(failing(1, StatementRefusedError("no")), lambda error: None)
    assert clock.waits == []
