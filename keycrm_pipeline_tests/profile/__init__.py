"""Tests of the profile file: its settings, its errors, its key and its JSON Schema."""
