"""Books of options that share a synthetic chain."""

from __future__ import annotations

from agents.hedging.exposures.base import Exposure
from agents.hedging.exposures.chain_book import ChainBook
from agents.option_chains import synthetic


class Synthetic(ChainBook):
    """Options around the spot, open interest falling with moneyness."""

    is_named = True

    class Parameters(synthetic.Synthetic, Exposure.Parameters):
        """As `agents.option_chains.synthetic.Synthetic` says."""
