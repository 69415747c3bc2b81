"""The inventory: which accounts there are, and where their credentials are."""
