"""Alembic migrations of the history; ``env.py`` runs them in the transaction of the store."""
