"""The pages of sensitivity and of switching values."""

from collections.abc import Mapping, Sequence

from results import switching_words
from results.charts.sensitivity import ranked_chart, switching_chart
from results.page import Figure, Front, Section, escape, paragraph, table, whole_page
from results.sensitivity import Sensitivity
from results.sensitivity_words import SAID, heading, headings, rows, sentences
from results.switching import Switching
from simulation.outcomes import OUTCOMES


def sensitivity_page(found: Sensitivity) -> str:
    """Return a page that stands alone: what the outcome depends on."""
    first, *rest = sentences(found)
    figure = Figure("ranked", f"{heading(found)}: {SAID[found.method]}.", ranked_chart(found))
    cells = ([escape(cell) for cell in row] for row in rows(found))
    ranked = table(SAID[found.method], [*map(escape, headings(found))], cells)
    answer = paragraph(first, "lead") + figure.html
    sections = [
        Section("answer", "The answer", answer),
        Section("table", "All factors", ranked),
        Section("trust", "How far to trust it", "".join(map(paragraph, rest))),
    ]
    return page(heading(found), SAID[found.method], sections, [figure])


def page(
    title: str, standfirst: str, sections: Sequence[Section], figures: Sequence[Figure]
) -> str:
    """Return a page of ``sections`` in the style of the report."""
    from results.report import CAVEAT

    return whole_page(Front(title, standfirst, CAVEAT, "Made by tenderlab."), sections, figures)


def switching_page(found: Switching, titles: Mapping[str, str] | None = None) -> str:
    """Return a page that stands alone: what turns the ranking of the policies."""
    ranking, *pairs = switching_words.sentences(found, titles)
    named = {name: (titles or {}).get(name) or name for name in found.ranking}
    sections, figures = [], []
    for place, (pair, words) in enumerate(zip(found.pairs, pairs, strict=True)):
        content = paragraph(words)
        if pair.turns:
            said = f"{named[pair.first]} less {named[pair.second]}; above 0 the first is better"
            figures.append(Figure(f"pair-{place}", said, switching_chart(found, pair)))
            content += figures[-1].html
        title = escape(f"{named[pair.first]} or {named[pair.second]}")
        sections.append(Section(f"pair-{place}-words", title, content))
    lead = Section("answer", "The ranking", paragraph(ranking, "lead"))
    how = Section("how", "How it was found", paragraph(switching_words.HOW))
    outcome = OUTCOMES[found.outcome].title
    return page(f"What turns the ranking by {outcome}", "", [lead, *sections, how], figures)
