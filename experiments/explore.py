"""``tenderlab explore``: the explorer on a server of this machine."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from waitress import create_server

from experiments.crew import StandingCrew
from experiments.desk import Desk
from experiments.question import Question
from results.explorer.app import create_app
from simulation.errors import InputError

LOCAL = ("127.0.0.1", "localhost", "::1")
THREADS = 8
ANY_PORT = 0


def explore(
    question: Question, host: str, port: int, workers: int, ready: Callable[[str], None]
) -> None:
    """Serve the explorer until someone interrupts or terminates it.

    Args:
        question: what is asked first; its councils are those of every question.
        host: address to listen at; any name is heard where it is not one of this machine alone.
        port: where; `ANY_PORT` takes one that is free.
        workers: processes that make runs.
        ready: called with the address of the page once it can be opened.

    Raises:
        InputError: the question is too heavy, or the address is taken or not to be had.
    """
    listening = _listen(host, port)
    taken = listening.getsockname()[1]
    with StandingCrew(workers) as crew:
        hosts = [f"{_bracketed(name)}:{taken}" for name in LOCAL] if host in LOCAL else []
        app = create_app(Desk(question, crew), hosts)
        server = create_server(app.server, sockets=[listening], threads=THREADS, ident=None)
        with _ended_by_termination():
            ready(f"http://{_bracketed(host)}:{taken}/")
            try:
                server.run()
            finally:
                server.close()


@contextmanager
def _ended_by_termination() -> Iterator[None]:
    """Let a termination of this process end the block as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        reason = "something else listens there" if taken else getattr(error, "strerror", error)
        hint = "; choose another --port, or 0 for any that is free" if taken else ""
        raise InputError(f"--host {host} --port {port}: {reason}{hint}") from None
    return listening
