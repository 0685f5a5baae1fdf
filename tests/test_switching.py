"""From one target to the next: opened aside, the old one plays on, what cannot be opened changes nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fakes import FakeBlender, FakeGenerator, FakeTarget

from reenact.errors import TargetError
from reenact.playing import Playing
from reenact.switching import Switcher


class Stage:
    """Opens targets when it is let, and plays what it is shown."""

    def __init__(self, missing: str = "") -> None:
        self.let = threading.Event()
        self.let.set()
        self.opening, self.changed = threading.Event(), threading.Event()
        self.open: list[str] = []
        self.played: list[str] = []
        self._missing = missing

    @contextmanager
    def opens(self, name: str) -> Iterator[Playing]:
        self.opening.set()
        assert self.let.wait(30)
        if name == self._missing:
            raise TargetError("its files are damaged")
        self.open.append(name)
        yield Playing(FakeTarget(name=name), FakeGenerator(), FakeBlender())
        self.open.remove(name)

    def show(self, playing: Playing) -> threading.Event:
        self.played.append(playing.target.name)
        event = threading.Event()
        event.set()
        return event


def settle(switcher: Switcher) -> None:
    worker = switcher._worker
    if worker is not None:
        worker.join(30)
        assert not worker.is_alive()


@pytest.mark.parametrize(
    ("current", "steps", "expected"),
    [
        ("ada", [1], ["bob"]),
        ("ada", [1, 1, 1], ["bob", "cyd", "ada"]),
        ("ada", [-1], ["cyd"]),
        ("bob", [1, -1], ["cyd", "bob"]),
        ("portrait.jpg", [1], ["ada"]),
        ("portrait.jpg", [-1], ["cyd"]),
    ],
)
def test_stepping(current: str, steps: list[int], expected: list[str]) -> None:
    stage = Stage()
    with Switcher(("ada", "bob", "cyd"), current, stage.opens) as switcher:
        for step in steps:
            switcher.step(step, stage.show)
            settle(switcher)
        assert stage.played == expected
        assert stage.open == expected[-1:]  # those before are closed
        assert switcher.current == expected[-1]
        assert switcher.notice == f"target {expected[-1]}"
    assert stage.open == []


def test_asked_several_times_only_the_last_is_opened_after_the_one_in_work() -> None:
    stage = Stage()
    stage.let.clear()
    with Switcher(("ada", "bob", "cyd", "dee"), "ada", stage.opens) as switcher:
        switcher.step(1, stage.show)
        assert stage.opening.wait(30)  # bob
        switcher.step(1, stage.show)
        switcher.step(1, stage.show)
        assert switcher.notice == "opening dee"
        stage.let.set()
        settle(switcher)
        assert stage.played == ["dee"]
        assert stage.open == ["dee"]


def test_one_that_cannot_be_opened_is_told_and_the_old_one_plays_on() -> None:
    stage = Stage(missing="bob")
    with Switcher(("ada", "bob"), "ada", stage.opens) as switcher:
        switcher.step(1, stage.show)
        settle(switcher)
        assert stage.played == []
        assert switcher.notice == "bob cannot be shown: its files are damaged"
        assert switcher.current == "ada"


@pytest.mark.parametrize("names", [(), ("ada",)])
def test_without_another_target_it_says_how_to_get_one(names: tuple[str, ...]) -> None:
    stage = Stage()
    with Switcher(names, "ada", stage.opens) as switcher:
        switcher.step(1, stage.show)
        assert "reenact target add" in switcher.notice
        assert stage.played == []


def test_closing_while_one_waits_to_be_shown_closes_it() -> None:
    stage = Stage()
    never = threading.Event()
    shown = threading.Event()

    def show(playing: Playing) -> threading.Event:
        shown.set()
        return never

    switcher = Switcher(("ada", "bob"), "ada", stage.opens)
    switcher.step(1, show)
    assert shown.wait(30)
    switcher.close()
    settle(switcher)
    switcher.close()
    assert stage.open == []
