"""pagoPA's service of the taxonomy."""
