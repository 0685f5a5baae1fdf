"""The one-item slot and the statistics."""

import threading

import pytest

from reenact.clock import VirtualClock
from reenact.slot import Slot
from reenact.stats import WINDOW, Stats


def test_the_newest_item_wins_and_drops_are_counted() -> None:
    slot: Slot[int] = Slot()
    for i in range(5):
        slot.put(i)
    assert slot.take(0) == 4
    assert slot.dropped == 4
    assert slot.take(0) is None


def test_a_taker_is_woken_by_an_item_and_by_closing() -> None:
    slot: Slot[str] = Slot()
    got: list[str | None] = []
    taker = threading.Thread(target=lambda: got.extend([slot.take(10), slot.take(10)]))
    taker.start()
    slot.put("a")
    while not got and taker.is_alive() and slot._item is not None:
        pass
    slot.close()
    taker.join(5)
    assert not taker.is_alive()
    assert got[-1] is None


def test_a_closed_slot_takes_nothing_and_closes_twice() -> None:
    slot: Slot[int] = Slot()
    slot.close()
    slot.close()
    slot.put(1)
    assert slot.take(0) is None
    assert slot.closed


def test_percentiles_by_stage_on_a_virtual_clock() -> None:
    clock = VirtualClock()
    stats = Stats(clock)
    for ms in range(1, 101):
        with stats.stage("track"):
            clock.advance(ms / 1000)
    row = stats.series("track")
    assert row is not None
    assert row.count == 100
    assert row.p50_ms == pytest.approx(50.5)
    assert row.p95_ms == pytest.approx(95.05)
    assert row.max_ms == pytest.approx(100)


def test_a_stage_that_raises_is_not_timed() -> None:
    stats = Stats(VirtualClock())
    with pytest.raises(RuntimeError), stats.stage("blend"):
        raise RuntimeError
    assert stats.series("blend") is None


def test_memory_stays_bounded_while_the_count_goes_on() -> None:
    stats = Stats(VirtualClock())
    for _ in range(WINDOW + 10):
        stats.add("send", 0.001)
    row = stats.series("send")
    assert row is not None
    assert row.count == WINDOW + 10
    assert len(stats._values["send"]) == WINDOW


def test_the_table_keeps_the_order_of_the_stages_and_counts_add_up() -> None:
    stats = Stats(VirtualClock())
    for name in ("track", "retarget", "blend", "track"):
        stats.add(name, 0.001)
    stats.count("drops", 3)
    stats.count("drops")
    assert [row.name for row in stats.table()] == ["track", "retarget", "blend"]
    assert stats.counts == {"drops": 4}
