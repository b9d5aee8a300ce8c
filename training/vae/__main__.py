"""Runs `training.vae.command` as `python -m training.vae`."""

import sys

from training.vae.command import main

if __name__ == "__main__":
    sys.exit(main())
