"""`python -m control_api ...`: the door to the command line."""

from __future__ import annotations

import sys

from control_api.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
