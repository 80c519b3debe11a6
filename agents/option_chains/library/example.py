"""How `example_chain.csv` was made: an invented chain on BTC at 65,000, of no market and no exchange's data.

Open interest is laid out by `agents.option_chains.synthetic.Synthetic` on four expiries, rounded to a tenth,
with volatilities from a smile, rounded to a hundredth of a percent. Run as a module it prints the file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.option_chains.reading import Reading
from agents.option_chains.rows import Quote
from agents.option_chains.synthetic import Synthetic
from agents.option_chains.table import as_csv
from sim.setup.instruments import Universe
from sim.setup.listing import Listing, Smile

NAME = "example_chain.csv"
SPOT = 65_000.0
TAKEN = datetime(2026, 1, 5, 8, tzinfo=UTC)
LAYOUT = Synthetic(
    open_interest=100_000.0,
    expiries_days=[1.0, 4.0, 11.0, 25.0],
    expiry_weights=[0.15, 0.2, 0.25, 0.4],
    strikes=12,
    spacing=0.0125,
    dispersion=0.07,
    put_share=0.5,
)


def example() -> Reading:
    """The chain as if it had been read from a file."""
    smile = Smile(atm=0.55, skew=-0.05, curvature=0.05)
    listing = Listing(1, 1.0, Universe(["BTC"]), [SPOT], [smile])
    reading = Reading(NAME, "synthetic", "BTC", TAKEN)
    for contract in LAYOUT.chain(listing, 0).contracts:
        interest = round(contract.open_interest, 1)
        expiry = TAKEN + timedelta(seconds=contract.seconds)
        terms = round(contract.strike, 2), expiry, contract.is_call, round(contract.volatility, 4)
        if interest > 0:
            reading.quotes.append(Quote(*terms, interest, SPOT))
    return reading


if __name__ == "__main__":
    print(as_csv(example()), end="")
