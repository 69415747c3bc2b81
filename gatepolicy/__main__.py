"""``python -m gatepolicy`` is the ``gatepolicy`` command."""

from gatepolicy.cli.main import main

main()
