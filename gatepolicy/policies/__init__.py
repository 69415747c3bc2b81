"""Policies: what a key may be allowed to do."""
