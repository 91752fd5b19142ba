"""All the tables of the walk, in the order of the specification."""

from __future__ import annotations

from tests.soap.walk import chiedi_pagati, flussi, invia_dovuti
from tests.soap.walk.frame import Table

TABLES: tuple[Table, ...] = (*invia_dovuti.TABLES, *chiedi_pagati.TABLES, *flussi.TABLES)
