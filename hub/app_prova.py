"""The assembly of the process of one trial of a flow: what computes, away from the threads that answer calls.

Run: python -m hub.app_prova, by the server: the question on the standard input, the file by its descriptor, the answer
on the standard output. It writes nothing and takes nothing from the environment; it ends when the server does.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from hub import log
from hub.domain.errors import FlussoRifiutato, OutOfService
from hub.domain.flussi import read_nome
from hub.formats.prova_a_parte import Domanda, read_domanda, render_pezzo, render_rifiuto
from hub.formats.prova_flusso import render_prova
from hub.formats.zip_flusso import open_flusso
from hub.jobs import figlio
from hub.store.database import Database
from hub.usecases.check_flusso import CheckFlusso

# Behind the payments and behind the flows that are loaded.
_NICE = 10
# Rows leave no cycles; a look at all that lives costs a tenth of the work.
_GC_THRESHOLD = 200_000


def run(domanda: Domanda) -> None:
    """Try the flow and tell piece by piece; a file that cannot be read at all is told as a refusal instead.

    Raises: OutOfService (the database is gone half-way: the answer is not whole).
    """
    with ExitStack() as stack:
        db = Database.open(domanda.database_url, pool_size=1)
        stack.callback(db.close)
        try:
            pieces = _pieces(stack, domanda, db)
            first = next(pieces)
        except (FlussoRifiutato, OutOfService) as error:
            return _tell(render_rifiuto(error))
        _tell(render_pezzo(first))
        # The text itself says so, and is whole.
        with suppress(FlussoRifiutato):
            for piece in pieces:
                if piece:
                    _tell(render_pezzo(piece))


def _pieces(stack: ExitStack, domanda: Domanda, db: Database) -> Iterator[str]:
    nome = read_nome(domanda.nome_file)
    limit = domanda.iuv_quindici_fino_al
    prova = CheckFlusso(nome, domanda.now, limit, db, domanda.ente, domanda.concessi)
    file = stack.enter_context(os.fdopen(domanda.file, "rb"))
    flusso, _size_bytes = stack.enter_context(open_flusso(file, domanda.nome_file, nome))
    return render_prova(nome, domanda.ente, prova.batches(flusso), prova.riepilogo)


def _tell(frame: bytes) -> None:
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()


def _log_crash(_kind: object, error: BaseException, _traceback: object) -> None:
    """Say where it broke; the message is left out, it may be of a row."""
    log.get_logger().error("prova_crashed", exc_info=error)


def main() -> None:
    os.nice(_NICE)
    # Ctrl-C in a terminal is the server's to answer; who reads no more is written to no more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return  # the server is gone already
    figlio.when_parent_ends(lambda: os._exit(1))
    domanda = read_domanda(line)
    log.configure(domanda)
    sys.excepthook = _log_crash
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 50, 50)
    run(domanda)


if __name__ == "__main__":
    main()
