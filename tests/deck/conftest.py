"""The decks that all tests of decks look at."""

from typing import Any

import pytest

from results.store import RunDirectory, open_run
from tests.decks import EFFECTS, HOSTILE, entitle, slides
from tests.stored_runs import rewrite, store


@pytest.fixture(scope="session")
def five(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return open_run(store(tmp_path_factory.mktemp("five") / "run", EFFECTS, years=6, replicates=6))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    effects = list(EFFECTS.values())
    policies = {f"p{place}": effects[place % 5] for place in range(len(HOSTILE))}
    path = store(tmp_path_factory.mktemp("hostile") / "=run 'x'", policies, years=5, replicates=6)
    rewrite(path, entitle)
    return open_run(path)


@pytest.fixture(scope="session")
def of_five(five: RunDirectory) -> list[Any]:
    return slides(five)


@pytest.fixture(scope="session")
def of_hostile(hostile: RunDirectory) -> list[Any]:
    return slides(hostile)


@pytest.fixture(params=["of_five", "of_hostile"])
def drawn(request: pytest.FixtureRequest) -> list[Any]:
    found: list[Any] = request.getfixturevalue(request.param)
    return found
