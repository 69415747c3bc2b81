"""``python -m gatepolicy.simulator``: the same as ``gatepolicy simulator``."""

import sys

from gatepolicy.cli.main import main

if __name__ == "__main__":
    sys.argv[1:1] = ["simulator"]
    main()
