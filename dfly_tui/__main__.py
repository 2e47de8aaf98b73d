"""`python -m dfly_tui`: the same as `dfly-tui`."""

import sys

from dfly_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
