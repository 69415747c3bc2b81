"""Attestations: what no API can prove and a named person confirms on a date."""
