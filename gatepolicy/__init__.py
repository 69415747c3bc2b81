"""Policy-as-code compliance scanner for the API keys of crypto exchanges."""

__version__ = "0.1.0"
