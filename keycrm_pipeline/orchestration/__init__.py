"""All of Dagster: definitions, assets, jobs, schedules, sensors, checks, and the instance.

Nothing outside this package imports Dagster; nothing in it knows SQL, HTTP or an accounting rule.
"""
