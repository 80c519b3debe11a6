"""Facts: what real markets look like, and how near a run comes."""
