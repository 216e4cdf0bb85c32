"""Loads the demo shop's last 30 days with the command that people use, and ends as it ends.

What the load does and prints is in the package; here is only which days.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DAYS = 30
DEMO = "demo"
"""The profile of the demo shop: profiles/demo.yaml."""


def load_command(zone: ZoneInfo) -> list[str]:
    """The command that loads the demo shop's last 30 days, today included, as its own clock counts days."""
    today = datetime.now(UTC).astimezone(zone).date()
    first_day = today - timedelta(days=DAYS - 1)
    command = str(Path(sys.executable).with_name("keycrm-pipeline"))
    return [command, "load", "--profile", DEMO, "--from", first_day.isoformat(), "--to", today.isoformat()]


def main() -> None:
    """Becomes that command.

    Raises:
        SystemExit: The profile of the demo shop cannot be used; says why.
    """
    import os

    from keycrm_pipeline.profile import ProfileError, load_profile, settings_from_environment

    try:
        profile = load_profile(DEMO, settings_from_environment(os.environ))
    except ProfileError as error:
        raise SystemExit(str(error)) from None
    command = load_command(profile.zone)
    # The project's own program, with days for arguments. In this process, so that Ctrl-C reaches it at once.
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
