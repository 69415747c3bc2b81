"""Reports: pure functions from a finished scan to text."""
