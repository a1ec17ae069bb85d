"""``python -m mailfax`` is the ``mailfax`` command."""

import sys

from mailfax.cli import main

if __name__ == "__main__":
    sys.exit(main())
