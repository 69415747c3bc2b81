"""Rules: texts as data, and the conditions that policies turn them into."""
