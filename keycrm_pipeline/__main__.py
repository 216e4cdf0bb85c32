"""The program: `keycrm-pipeline`, and `python -m keycrm_pipeline` where that is not on the PATH.

It imports almost nothing before it knows what to do on Ctrl-C. What is not here: the commands (`cli`).
"""

from __future__ import annotations

import sys

from keycrm_pipeline.commands.interruption import ignore_from_now_on, interrupt_after_imports


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    interrupt_after_imports()
    try:
        from keycrm_pipeline.cli import main as run

        run(prog_name="keycrm-pipeline")
    except KeyboardInterrupt:
        ignore_from_now_on()
        from keycrm_pipeline.cli import stopped_by_hand

        stopped_by_hand(sys.argv[1:])
    finally:
        ignore_from_now_on()


if __name__ == "__main__":
    main()
