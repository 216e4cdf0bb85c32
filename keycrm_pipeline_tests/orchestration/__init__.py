"""Tests of the Dagster assets' own part: how they tell Dagster what happened."""
