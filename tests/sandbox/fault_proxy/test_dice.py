import pytest

from sandbox.fault_proxy_dice import TCP_FAULTS, Fault, FaultDice, FaultInvalidError


def make_dice(seed: int = 3, **wanted: object) -> FaultDice:
    dice = FaultDice(seed)
    dice.change(wanted)
    return dice


def test_draw_same_seed_draws_the_same_and_another_does_not() -> None:
    drawn = [[make.draw(b"x") for _ in range(200)] for make in (make_dice(3, reset=0.3), make_dice(3, reset=0.3), make_dice(4, reset=0.3))]
    assert drawn[0] == drawn[1] != drawn[2]


def test_draw_shares_come_out_as_asked_and_are_counted() -> None:
    dice = make_dice(reset=0.1, accept_then_reset=0.2)
    drawn = [dice.draw(b"x") for _ in range(5_000)]
    assert abs(drawn.count(Fault.RESET) - 500) < 100
    assert abs(drawn.count(Fault.ACCEPT_THEN_RESET) - 1_000) < 150
    assert dice.counts == {"requests": 5_000, "reset": drawn.count(Fault.RESET), "accept_then_reset": drawn.count(Fault.ACCEPT_THEN_RESET)}


def test_draw_plan_goes_before_the_dice() -> None:
    dice = make_dice(reset=1)
    dice.plan(["none", "delay"])
    assert [dice.draw(b"x") for _ in range(3)] == [Fault.NONE, Fault.DELAY, Fault.RESET]


def test_draw_request_without_the_match_uses_up_nothing() -> None:
    dice = make_dice(match="INSERT")
    dice.plan(["reset"])
    assert [dice.draw(b"SELECT 1"), dice.draw(b"INSERT INTO t")] == [Fault.NONE, Fault.RESET]


@pytest.mark.parametrize(
    "wanted",
    [{"resett": 0.1}, {"reset": 1.5}, {"reset": True}, {"reset": 0.6, "delay": 0.6}, {"delay_seconds": -1}, {"match": 3}],
)
def test_change_what_cannot_be_is_refused_and_changes_nothing(wanted: dict[str, object]) -> None:
    dice = make_dice(reset=0.2, match="a")
    with pytest.raises(FaultInvalidError):
        dice.change(wanted)
    assert (dice.shares, dice.match, dice.delay_seconds) == ({Fault.RESET: 0.2}, "a", 0.1)


def test_plan_fault_of_http_is_refused_over_tcp() -> None:
    with pytest.raises(FaultInvalidError, match="duplicate"):
        FaultDice(1, TCP_FAULTS).plan(["duplicate"])
