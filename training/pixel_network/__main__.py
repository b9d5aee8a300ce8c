"""Runs `training.pixel_network.command` as `python -m training.pixel_network`."""

import sys

from training.pixel_network.command import main

if __name__ == "__main__":
    sys.exit(main())
