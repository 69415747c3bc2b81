"""Scans that nobody watches: one at a time, and news of them to whom it concerns."""
