"""Tests of the warehouse: SQL on real DuckDB files."""
