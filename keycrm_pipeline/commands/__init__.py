"""What the commands do and print. `cli` declares them; importing this package imports no Dagster."""
