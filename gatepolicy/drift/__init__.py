"""Drift: what differs between two scans, in findings and in what keys can do."""
