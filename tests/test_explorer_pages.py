"""What each open page asked last, when its changes overtake one another."""

from typing import Any

from dash import no_update

from results.explorer import pages as module
from results.explorer.pages import Asked, Pages


def answer(page: str, **changed: Any) -> tuple[Any, ...]:
    """Return an answer to a change, as far as pages keep it."""
    return (changed, [{}], "ticket", "", "?q=", None, "?q=", page)


def test_a_change_that_overtakes_another_takes_it_along() -> None:
    pages, told = Pages(), Asked({}, [], "")
    with pages.at("", told) as (now, stale):
        assert (now, stale) == (told, False)
        pages.keep(answer("page", years=3))
    with pages.at("page", told) as (now, stale):
        assert (now.state, now.past, stale) == ({"years": 3}, [{}], True)
    with pages.at("page", Asked({"years": 3}, [], "ticket")) as (now, stale):
        assert not stale


def test_pages_do_not_mix_and_what_is_refused_is_not_kept() -> None:
    pages = Pages()
    pages.keep(answer("one", years=3))
    pages.keep(answer("two", years=4))
    pages.keep((*[no_update] * 3, "Not asked.", *[no_update] * 4))
    asked = [pages.at(page, Asked({}, [], "")) for page in ("one", "two")]
    for one, years in zip(asked, (3, 4), strict=True):
        with one as (now, _):
            assert now.state == {"years": years}


def test_few_pages_are_remembered() -> None:
    pages, told = Pages(), Asked({"years": 9}, [], "")
    for number in range(module.MOST_PAGES + 1):
        pages.keep(answer(f"page {number}", years=number))
    with pages.at("page 0", told) as (now, stale):
        assert (now, stale) == (told, False)
