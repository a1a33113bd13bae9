"""Ctrl-C as a polite request: what is at work is finished and kept, then the work stops."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the user has asked to stop; asked a second time it stops at once, unless `deaf`."""

    def __init__(self) -> None:
        self.asked = False
        self.deaf = False

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.asked

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask to stop, as a handler of signals."""
        if self.asked and not self.deaf:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Turn Ctrl-C into a polite request for as long as the block lasts.

    Within another such block it is the same request, so that none is lost between the two.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    if isinstance(outer, Interruption):
        yield outer
        return
    before = signal.signal(signal.SIGINT, asked.ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def heed(stop: Callable[[], bool]) -> None:
    """End what is at work if it was asked to stop.

    Raises:
        KeyboardInterrupt: it was.
    """
    if stop():
        raise KeyboardInterrupt
