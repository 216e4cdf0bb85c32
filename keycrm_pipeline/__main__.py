"""`python -m keycrm_pipeline` is `keycrm-pipeline`, also where that program is not on the PATH."""

from keycrm_pipeline.cli import main

if __name__ == "__main__":
    main(prog_name="keycrm-pipeline")
