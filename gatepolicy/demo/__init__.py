"""The demonstration: synthetic accounts, scanned."""
