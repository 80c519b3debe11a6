"""The listing, by the name under which venues and populations of users import it: see `sim.setup.listing`."""

from sim.setup.listing import CLEARING, END_USERS, FEES, INSURANCE, OUTSIDE, Listing, Smile, VenueTerms

__all__ = ["CLEARING", "END_USERS", "FEES", "INSURANCE", "OUTSIDE", "Listing", "Smile", "VenueTerms"]
