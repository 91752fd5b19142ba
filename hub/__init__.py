"""The hub between the management software of Italian enti and the pagoPA node."""

__version__ = "0.1.0"
