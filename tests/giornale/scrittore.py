"""A process that writes events into the journal of a database. Run: python -m tests.giornale.scrittore URL COUNT"""

from __future__ import annotations

import sys

from hub.store.database import Database
from tests.giornale.mondo import make_evento, write

if __name__ == "__main__":
    database = Database.open(sys.argv[1])
    # Each process has the chains in another order.
    enti = ["C_PROVA", "C_VICINO", ""]
    turn = int(sys.argv[3]) % len(enti)
    enti = enti[turn:] + enti[:turn]
    write(database, *(make_evento(number, enti[number % len(enti)]) for number in range(int(sys.argv[2]))))
    database.close()
