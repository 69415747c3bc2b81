"""What each exchange checks and answers: one module per exchange, joined in ``table``."""
