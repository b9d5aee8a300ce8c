"""`python -m training.vae`, see `command`."""

import sys

from training.vae.command import main

if __name__ == "__main__":
    sys.exit(main())
