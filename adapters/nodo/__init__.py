"""The pagoPA node: the real client and, beside it, the simulator that plays the node."""
