"""Tests of the accounting rules."""
