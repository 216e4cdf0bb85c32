"""One run: its session, lock, row of the log, errors and alerts. What a run does is in `pipeline`."""
