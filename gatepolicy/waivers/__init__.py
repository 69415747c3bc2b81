"""Waivers: who accepts which finding, why, and until when."""
