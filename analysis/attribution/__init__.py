"""Attribution: who moved the price."""
