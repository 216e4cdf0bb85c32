"""Tests of the sentences that are stored and raised for people."""
