"""Signed verdicts: what a scan found, in envelopes that can be verified offline."""
