"""Tests of the commands, as a person or a program calls them."""
