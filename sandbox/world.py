"""The whole fake world: catalogue, switches and the three platforms, and how one visit is answered. No web server in it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.boss import FakeBoss
from sandbox.catalogue import Catalogue
from sandbox.fakes import FakePlatform, Parcel
from sandbox.faults import AFTER, BEFORE, draw_fault, refusal, spoil
from sandbox.qcwy import FakeQcwy
from sandbox.seals import Secrets
from sandbox.switches import apply_switches, default_switches
from sandbox.visits import Asked, Outcome, Visit
from sandbox.zhilian import FakeZhilian

FAKES: tuple[type[FakePlatform], ...] = (FakeBoss, FakeQcwy, FakeZhilian)


class World:
    """`switches` is the live table that every part looks at."""

    def __init__(self, catalogue: Catalogue, secrets: Secrets, seed: int, changes: Mapping[str, Any]) -> None:
        self.catalogue = catalogue
        self.switches = default_switches()
        apply_switches(self.switches, changes)
        self._at_start = copy.deepcopy(self.switches)
        self.platforms: dict[str, FakePlatform] = {
            fake.name: fake(Parcel(catalogue, self.switches[fake.name], secrets, seed)) for fake in FAKES
        }
        self.by_path = {path: platform for platform in self.platforms.values() for path in platform.paths}

    def answer(self, platform: FakePlatform, visit: Visit) -> Outcome:
        """The answer to one visit, faults included, written into the platform's book."""
        asked = platform.ask(visit)
        outcome = self._outcome(platform, visit, asked)
        platform.book.note(visit, asked, outcome)
        return outcome

    def _outcome(self, platform: FakePlatform, visit: Visit, asked: Asked) -> Outcome:
        if fault := draw_fault(BEFORE, platform.switches, platform.random):
            return refusal(fault, platform.name, platform.switches)
        outcome = platform.answer(visit, asked)
        if fault := draw_fault(AFTER, platform.switches, platform.random):
            spoil(outcome, fault)
        return outcome

    def reset(self, *, switches: bool) -> None:
        """Forget every visitor; with `switches`, the switches stand again as at the start."""
        for name, platform in self.platforms.items():
            platform.clear()
            if switches:
                self.switches[name].update(copy.deepcopy(self._at_start[name]))
