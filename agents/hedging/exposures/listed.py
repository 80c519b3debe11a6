"""Books of options that share a chain like that of a listed market."""

from __future__ import annotations

from agents.hedging.exposures.base import Exposure
from agents.hedging.exposures.chain_book import ChainBook
from agents.option_chains import listed


class Listed(ChainBook):
    """Options with the expiries and strikes of a listed market."""

    is_named = True

    class Parameters(listed.Listed, Exposure.Parameters):
        """As `agents.option_chains.listed.Listed` says."""
