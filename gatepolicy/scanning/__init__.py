"""The spine: from files to a finished scan, live or from evidence."""
