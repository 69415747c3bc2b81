"""How many requests a scan of an inventory sends. Usage: requests_of.py INVENTORY BASE_URL."""

import sys
from pathlib import Path

import yaml

CALLS = {"gate": 2}
"""Calls per account, where it is not one."""

accounts = yaml.safe_load(Path(sys.argv[1]).read_text())["accounts"]
print(sum(CALLS.get(account["exchange"], 1) for account in accounts))
