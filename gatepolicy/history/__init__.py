"""The history: every scan in a database, and what became of its findings."""
