"""The software of the entes, called by the hub: the push of the outcome and the external archive."""
