"""The first hour: files to begin with, and the tightest policy that a key meets."""
