"""Tests of the exchange: orders of a real (demo) KeyCRM through every step into a real DuckDB file."""
