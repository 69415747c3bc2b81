"""A loopback server that simulates the exchanges of the catalog from their documented answers.

It stands alone: nothing here imports the rest of gatepolicy, so that a defect of the scanner cannot
hide behind the same defect of the server. Where an exchange's documents are silent, the code says
so: UNCONFIRMED marks what no official source and no real log has shown.
"""
