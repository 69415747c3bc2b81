"""Attestations: what no API proves, and a named person said on a date."""
