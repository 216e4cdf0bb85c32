"""Tests of the files for several hosts."""
