"""Tests of the demo shop, module by module."""
