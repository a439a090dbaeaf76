"""The number of workers follows what the system can take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migrator.backfill.crew import PERIOD, REST, Crew


class Scene:
    """A system that makes so many rows per second with so many workers, and holds the work above `room` of them."""

    def __init__(self, least: int, most: int, rate: Callable[[int], float], room: int = 100) -> None:
        self.now, self.rows, self.room = 0.0, 0.0, room
        self._rate = rate
        self.crew = Crew(least, most, clock=lambda: self.now)
        self.seen: list[int] = []

    def run(self, seconds: float) -> int:
        for _ in range(round(seconds)):
            held = self.crew.count > self.room
            self.now += 1
            self.rows += 0 if held else self._rate(self.crew.count)
            self.seen.append(self.crew.look(round(self.rows), held=held))
        return self.crew.count


def test_workers_come_one_by_one_while_each_makes_it_faster() -> None:
    scene = Scene(1, 4, lambda count: 1000.0 * count)
    assert scene.run(10 * PERIOD) == 4
    assert sorted(scene.seen) == scene.seen


def test_a_worker_that_does_not_help_goes_again_and_is_not_tried_for_a_while() -> None:
    scene = Scene(1, 8, lambda count: 1000.0 * min(count, 2))
    scene.run(REST)
    assert (scene.crew.count, max(scene.seen)) == (2, 3)
    assert scene.seen.count(3) <= PERIOD + 1


def test_workers_go_while_the_throttle_holds_the_work_but_never_below_the_least() -> None:
    scene = Scene(2, 16, lambda count: 1000.0 * count)
    scene.run(20 * PERIOD)
    scene.room = 3
    assert scene.run(4 * PERIOD) == 2


def test_they_come_back_when_there_is_room_again() -> None:
    scene = Scene(1, 4, lambda count: 1000.0 * count, room=1)
    scene.run(REST)
    scene.room = 100
    assert scene.run(2 * REST) == 4


@pytest.mark.parametrize("number", [1, 4])
def test_a_number_that_is_fixed_stays(number: int) -> None:
    scene = Scene(number, number, lambda count: 1000.0 / count, room=0)
    assert set(scene.seen) <= {scene.run(REST)} == {number}
