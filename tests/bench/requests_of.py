"""How many requests a scan of an inventory sends. Usage: requests_of.py INVENTORY BASE_URL."""

import sys
from pathlib import Path

import yaml
from serial_ccxt import CALLS

accounts = yaml.safe_load(Path(sys.argv[1]).read_text())["accounts"]
print(sum(len(CALLS[account["exchange"]]) for account in accounts))
