"""Loads the demo shop's last 30 days with the command that people use, with its exit code.

What the load does and prints is in the package; this script only chooses the days.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DAYS = 30
DEMO = "demo"
"""The profile of the demo shop: profiles/demo.yaml."""


def load_command(zone: ZoneInfo, now: datetime) -> list[str]:
    """The command that loads the demo shop's last 30 days, including today, in the shop's time zone.

    Args:
        zone: The shop's time zone.
        now: The current time, aware.
    """
    today = now.astimezone(zone).date()
    first_day = today - timedelta(days=DAYS - 1)
    command = str(Path(sys.executable).with_name("keycrm-pipeline"))
    return [command, "load", "--profile", DEMO, "--from", first_day.isoformat(), "--to", today.isoformat()]


def main() -> None:
    """Replaces this process with that command.

    Raises:
        SystemExit: The profile of the demo shop cannot be used; the text says why.
    """
    from keycrm_pipeline.profile import ProfileError, load_profile, settings_from_environment

    try:
        profile = load_profile(DEMO, settings_from_environment(os.environ))
    except ProfileError as error:
        raise SystemExit(str(error)) from None
    command = load_command(profile.zone, datetime.now(UTC))
    # The project's own program, with dates as arguments. In this process, so that Ctrl-C reaches it directly.
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
