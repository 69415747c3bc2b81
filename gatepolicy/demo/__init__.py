"""The demonstration: a staged fleet, scanned."""
