"""What a load is: its stages in order, the syncs between loads, and rebuild. Plain Python, no Dagster."""
