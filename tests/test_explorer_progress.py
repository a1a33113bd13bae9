"""How far an answer is, as the explorer's page is told."""

from hypothesis import given
from hypothesis import strategies as st

from results.explorer.asking import Standing
from results.explorer.progress import is_due, told, words


@given(st.integers(1, 100))
def test_an_answer_is_shown_early_then_now_and_then_and_whole(asked: int) -> None:
    seen, shown = 0, []
    for complete in range(asked + 1):
        if is_due(Standing("at work", complete, asked), seen):
            shown.append(complete)
            seen = complete
    assert shown[0] == min(2, asked)
    assert shown[-1] == asked
    assert len(shown) <= 16


def test_the_end_is_always_told() -> None:
    for state in ("done", "cancelled"):
        assert told(Standing(state, 3, 30), 3)["due"]  # type: ignore[arg-type]


def test_progress_is_told_in_words() -> None:
    assert words(Standing("at work", 2, 30)).startswith("2 of 30 paired replications; what is")
    assert words(Standing("done", 30, 30)) == "30 of 30 paired replications"
    assert "stopped" in words(Standing("cancelled", 2, 30))
    assert "luck" in words(Standing("at work", 30, 30, 1, 6))
    assert "failed at" in words(Standing("done", 29, 30, failed=("the run of x failed at y",)))
