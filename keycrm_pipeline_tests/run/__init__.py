"""Tests of a run: its lock, its row of the log, its errors and its memory."""
