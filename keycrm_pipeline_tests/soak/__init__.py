"""A year of the product in simulated time: everything that happens to it meanwhile, and what grows."""
