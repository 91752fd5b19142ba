"""Measurements on the machine at hand: each a ratio to a floor measured in the same run, round by round."""
