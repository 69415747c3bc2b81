"""The one edge: secrets, ccxt and sockets."""
