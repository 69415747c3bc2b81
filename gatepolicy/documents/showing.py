"""How parts of a document appear in an error."""

from gatepolicy.documents.values import show_path

__all__ = ["show_path"]
