"""Hedging: a hedger is an exposure x a policy x a route, the rules that every hedging population shares."""

from agents.hedging.exposures.base import Exposure
from agents.hedging.hedger import Hedger
from agents.hedging.policies.base import Policy
from agents.hedging.routes.base import Route

__all__ = ["Exposure", "Hedger", "Policy", "Route"]
