"""Councils: their columns, the services they run, and the rules by which they decide.

Rules are functions of arrays and numbers; money in £m at 2006 prices, time in quarters unless a
name says otherwise, shares in [0, 1].
"""

from typing import Any

import numpy as np

from agents.columns import (
    NONE,
    BoolArray,
    FloatArray,
    IntArray,
    KeyArray,
    Table,
    flag,
    identity,
    number,
    whole,
)
from agents.compiled import compiled
from agents.handles import Handle


class Councils(Table):
    """One row a council, in register order."""

    key: KeyArray = identity("hash of type and name")
    type: IntArray = whole("code", "type of council")
    county: IntArray = whole("row", "county council of a district", initial=NONE)
    population: FloatArray = number("persons", "residents")
    control: IntArray = whole("code", "political control")
    cycle: IntArray = whole("code", "electoral cycle")
    spend: FloatArray = number("£m a year", "technology spend in 2006, internal and external")
    procurement_skill: FloatArray = number("share", "skill in buying")
    risk_skill: FloatArray = number("share", "skill in managing risk")
    appetite: FloatArray = number("factor", "appetite for buying from the market")
    commitment: FloatArray = number("share", "commitment that suppliers see")
    readiness: FloatArray = number("share", "readiness to share services")
    champion: BoolArray = flag("a champion of change is in post")
    caution: FloatArray = number("share", "aversion to risk of members newly elected")
    employer: FloatArray = number("share", "how far the council is the main employer of its place")
    borrowing_rank: FloatArray = number("share", "free to borrow where below the lever's share")
    reserve_target: IntArray = whole("pence", "reserves kept for change")
    credit: IntArray = whole("pence", "most loan principal that it may owe")
    loan: IntArray = whole("pence", "outstanding loan principal")
    loan_instalment: IntArray = whole("pence", "principal repaid a quarter")
    saving_rate: FloatArray = number("share", "smoothed realised saving over counterfactual")
    counterfactual: IntArray = whole("pence", "counterfactual cost so far")
    saving: IntArray = whole("pence", "realised saving so far")
    counterfactual_npv: FloatArray = number("pence", "counterfactual cost so far, discounted")
    saving_npv: FloatArray = number("pence", "realised saving so far, discounted")
    fund_npv: FloatArray = number("pence", "received from the fund less repaid, discounted")
    joint_quarters: IntArray = whole("quarters", "quarters with a service in a joint contract")


class Services(Table):
    """One row a service: what one council needs in one segment, bought apart from the rest."""

    key: KeyArray = identity("hash of council and kind")
    council: IntArray = whole("row", "council")
    segment: IntArray = whole("row", "segment")
    kind: IntArray = whole("code", "segment and ordinal; services of one kind can be shared")
    baseline: FloatArray = number("£m a year", "in-house cost in 2006")
    contract: IntArray = whole(
        "row", "contract that delivers it; none where in house", initial=NONE
    )
    partnership: IntArray = whole(
        "row", "group in which a joint contract is prepared", initial=NONE
    )
    enters: IntArray = whole(
        "quarter", "when it enters its group's joint contract, where it must wait"
    )
    maturity: FloatArray = number("share", "how well its cost and performance are known and owned")
    ordinal: IntArray = whole("count", "times that the need has come up")
    came_up: IntArray = whole("quarter", "when the need last came up of its own; 0 if never")
    considered: IntArray = whole("count", "occasions for which partners were looked for, or not")
    retry: IntArray = whole("quarter", "when a postponed need comes up again", initial=NONE)


def pressure(target: float, quarter: int, saving_rate: FloatArray, full_gap: float) -> FloatArray:
    """Return the pressure to save, 0-1, on councils short of their efficiency target.

    The target (% a year) builds up over four years (D2: harder each year); a shortfall of
    ``full_gap`` of cost is full pressure.
    """
    asked = target / 100.0 * min(quarter / 4.0, 4.0)
    return np.minimum(np.maximum((asked - saving_rate) / full_gap, 0.0), 1.0)


def market_chance(
    hazard: FloatArray, pressure: FloatArray, appetite: FloatArray, champion: BoolArray
) -> FloatArray:
    """Return the chance a quarter that in-house services are put to the market."""
    will = appetite * (0.3 + 0.9 * pressure + 0.4 * champion)
    return np.minimum(hazard * will, 1.0)


def joining_attraction(
    trust: FloatArray,
    kilometres: FloatArray,
    politics: FloatArray,
    size_ratio: FloatArray,
    threat: FloatArray,
    readiness: FloatArray,
    pressure: FloatArray,
    champion: BoolArray,
    autonomy: float = 1.0,
) -> FloatArray:
    """Return what draws a council to a partner apart from money, as a share of cost.

    Trust from earlier ties draws; distance, political difference and fear of a dominant partner
    repel (D1 §4.2, 4.4), all the more under a threat of reorganisation; autonomy has a price that
    readiness lowers.

    Args:
        trust: trust in the other council, 0-1.
        kilometres: distance between them.
        politics: political distance, 0-1.
        size_ratio: the other's requirement over one's own.
        threat: threat of reorganisation that the other stands for; negative among its victims.
        readiness: one's readiness to share, 0-1.
        pressure: one's pressure to save, 0-1.
        champion: one has a champion in post.
        autonomy: how much councils fear for it, 1 as usual.
    """
    dominance = np.maximum(np.log(size_ratio) - 1.0, 0.0)
    feared = autonomy * (0.02 * dominance + 0.08 * threat)
    repelled = 0.03 * kilometres / 100.0 + 0.02 * politics + feared
    drawn = 0.04 * trust + 0.03 * pressure + 0.02 * champion
    return drawn - repelled - 0.10 * (1.0 - readiness)


@compiled
def scale_gain(value: float, added: float, elasticity: float) -> float:
    """Return the fall in unit cost, as a share, from adding ``added`` to a group of ``value``."""
    joint = value + added
    own = (value * value + added * added) / joint
    kept: float = (joint / own) ** -elasticity
    return 1.0 - kept


SHARING_STAGES = (
    "awareness of potential",
    "open to proposals",
    "driving interest",
    "in corporate strategy",
    "leadership",
)
"""Stages of sharing (D1 chart 4), a fifth of readiness each."""

OPEN, SEEKS = 0.2, 0.4
"""Readiness from which a council is open to proposals, and from which it seeks partners itself."""


def sharing_stage(readiness: FloatArray) -> IntArray:
    """Return the stage of sharing at which councils are, a place in ``SHARING_STAGES``."""
    return np.minimum((5.0 * readiness).astype(np.int64), 4)


def unowned(maturity: FloatArray) -> FloatArray:
    """Return the factor on errors and losses where cost and performance are little known.

    It is 1 at a medium maturity (D1 chart 5): without a baseline nobody can tell what was saved,
    and without an owner nobody sees to it (D1 §4.3, 6.6).
    """
    return 1.5 - maturity


def highest_viable_price(
    otherwise: FloatArray,
    set_up: FloatArray,
    worth: FloatArray,
    client_side: float,
    optimism: float,
) -> FloatArray:
    """Return the highest price, £m a year, at which a project's saving repays its set-up.

    Args:
        otherwise: what the services cost without the project, £m a year.
        set_up: set-up cost, £m.
        worth: of £1 a year of agreed saving over the contract, discounted, £.
        client_side: cost of managing the contract, as a share of its price.
        optimism: share by which business cases overstate savings (D1 §4.3).
    """
    return (otherwise - set_up / ((1.0 + optimism) * worth)) / (1.0 + client_side)


def highest_price(
    value: FloatArray,
    limit: FloatArray,
    retained: FloatArray,
    commitment: FloatArray,
    commitment_price: float,
) -> FloatArray:
    """Return the highest price (£m a year) at which councils sign.

    The risk that stays with them counts: it is taken off what they would otherwise pay.
    """
    return value * (limit + commitment_price * (commitment - 0.5)) - retained


def judged_price(price: FloatArray, merit: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the price (£m a year) as evaluators see it: merit, 0 as usual, counts as cheaper."""
    return price * (1.0 - merit) * (1.0 + noise)


def evaluation_noise(spread: float, skill: FloatArray, blur: FloatArray) -> FloatArray:
    """Return the standard deviation of evaluation errors.

    Skill removes the buyer's own; ``blur``, what few recent prices leave unknown, remains.
    """
    return spread * (1.0 - skill) + blur


def reference_blur(single: float, prices: FloatArray) -> FloatArray:
    """Return the error of a reference price made from ``prices`` recent awards (D0 ¶54).

    ``single`` is the error left by one; the error of a mean falls with the root of their number.
    """
    return single / np.sqrt(1.0 + prices)


def political_distance(one: IntArray, other: IntArray, independent_from: int) -> FloatArray:
    """Return 0 for the same control, 1 for two parties, 0.5 where either is no party's."""
    partyless = (one >= independent_from) | (other >= independent_from)
    distance: FloatArray = (one != other) * (1.0 - 0.5 * partyless)
    return distance


def election_due(year: int, whole: BoolArray, halves: BoolArray, offset: IntArray) -> BoolArray:
    """Return which councils vote in May of ``year``.

    Args:
        year: calendar year.
        whole: the whole council is elected every fourth year.
        halves: half of it is elected every second year.
        offset: a year in which the council votes (whole) or does not vote (thirds).
    """
    cycle = (year - offset) % 4
    return np.where(whole, cycle == 0, np.where(halves, year % 2 == 0, cycle != 0))


class Council(Handle):
    """Mesa's handle on one row of `Councils`."""

    @property
    def name(self) -> str:
        """Name in the register."""
        return self.model.register.name[self.row]

    @property
    def population(self) -> float:
        """Residents."""
        return float(self.model.councils.population[self.row])

    @property
    def services(self) -> IntArray:
        """Rows of its services."""
        return np.flatnonzero(self.model.services.council == self.row)

    @property
    def saving(self) -> float:
        """Realised saving so far, £m."""
        return float(self.model.councils.saving[self.row]) / 1e8

    def describe(self) -> dict[str, Any]:
        """Return its columns by name."""
        return self.columns_of(self.model.councils)
