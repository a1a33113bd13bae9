"""Work for the workers of a test: this loads nothing that takes long."""

import os
import signal
from pathlib import Path
from time import sleep


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def slowly(number: int) -> int:
    """Double a number, after a while."""
    sleep(0.05)
    return 2 * number


def note(folder: Path, number: int) -> int:
    """Note by whom a number is worked on, and take a while over it."""
    (folder / f"{os.getpid()}.{number}").touch()
    return slowly(number)


def fatal(folder: Path, deadly: int, number: int) -> int:
    """Double a number, unless it is the one that ends the process, which is noted."""
    if number == deadly:
        (folder / f"death.{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(number)
