"""Tests of the documents that are handed over, read back by programs that did not write them."""
