"""The comparison of all accounts: shared keys, undeclared keys, common addresses. Pure."""
