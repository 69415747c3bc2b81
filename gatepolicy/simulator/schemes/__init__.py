"""How requests to simulated exchanges are authenticated: one module for each scheme."""
