"""Exchanges as data: what each discloses about a key, and how its answers become facts."""
