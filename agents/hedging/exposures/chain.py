"""Books of options that share a chain read from a file."""

from __future__ import annotations

from agents.hedging.exposures.base import Exposure
from agents.hedging.exposures.chain_book import ChainBook
from agents.option_chains import chains


class Snapshot(ChainBook):
    """Options of a snapshot of some market's open interest."""

    is_named = True

    class Parameters(chains.Snapshot, Exposure.Parameters):
        """As `agents.option_chains.chains.Snapshot` says."""
