"""Tests of the books as people and programs read them."""
