"""`python -m training.inr`, see `command`."""

import sys

from training.inr.command import main

if __name__ == "__main__":
    sys.exit(main())
