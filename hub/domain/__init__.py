"""Words and rules of the hub; standard library only."""
