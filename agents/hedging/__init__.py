"""Hedging: a hedger is an exposure x a policy x a route, the rules that every hedging population shares."""

from agents.hedging.hedger import Hedger
from agents.hedging.policy import Policy
from agents.hedging.route import Route

__all__ = ["Hedger", "Policy", "Route"]
