"""Tests of policies: facts or a recorded answer in, expected findings out."""
