"""Documents: YAML and JSON with positions, checked against schemas."""
