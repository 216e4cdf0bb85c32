"""Tests of the tables' definitions and of what stands in them."""
