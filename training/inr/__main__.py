"""Runs `training.inr.command` as `python -m training.inr`."""

import sys

from training.inr.command import main

if __name__ == "__main__":
    sys.exit(main())
