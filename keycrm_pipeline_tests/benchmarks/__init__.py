"""Benchmarks: what a load costs, measured against the request limit and against dlt. Run by `make bench` only."""
