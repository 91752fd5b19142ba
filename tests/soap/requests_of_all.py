"""A request that the contract accepts, for each of the 18 operations."""

from __future__ import annotations

from typing import Any

from tests.factories import CODICE_FISCALE, encode, make_documento
from tests.soap.stage import OWN

IUV = "01000000000000144"
_PERSONA = {"tipoIdentificativoUnivoco": "F", "codiceIdentificativoUnivoco": CODICE_FISCALE}
_GIORNI = {"dateFrom": "2026-11-01", "dateTo": "2026-11-20"}
_PAGAMENTO = {
    "identificativoUnivocoVersamento": IUV,
    "singoloImportoPagato": "1.00",
    "dataEsitoSingoloPagamento": "2026-11-20",
    "identificativoUnivocoRiscossione": "IUR1",
    "tipoIstitutoAttestante": "G",
    "codiceIstitutiAttestante": "97735020584",
    "denominazioneAttestante": "Banca di prova",
}
# Operations that carry codIpaEnte in the body; all others have it in the header. Source: pa-per-ente, 1.2.
IN_BODY = frozenset(
    {
        "paaSILChiediPagati",
        "paaSILChiediPagatiConRicevuta",
        "paaSILRegistraPagamento",
        "paaSILChiediEsitoCarrelloDovuti",
        "paaSILChiediAvvisiPendenti",
        "paaSILChiediPosizioniAperte",
        "paaSILChiediStoricoPagamenti",
    }
)


def values_of(operation: str, ente: str = "C_PROVA") -> dict[str, Any]:
    """Return the body of a request of the ente, its password still to be filled in (OWN)."""
    dovuti = encode(make_documento().xml)
    elemento = {"codIpaEnte": ente, "password": "0" * 64, "dovuti": dovuti}
    own: dict[str, Any] = {
        "paaSILInviaDovuti": {"dovuti": dovuti},
        "paaSILInviaCarrelloDovuti": {"listaDovuti": {"elementoListaDovuti": [elemento]}},
        "paaSILVerificaAvviso": {"identificativoUnivocoVersamento": IUV},
        "paaSILChiediPagati": {"idSession": "00000000-0000-4000-8000-000000000000"},
        "paaSILChiediPagatiConRicevuta": {"identificativoUnivocoVersamento": IUV},
        "paaSILChiediEsitoCarrelloDovuti": {"idSessionCarrello": "00000000-0000-4000-8000-000000000000"},
        "paaSILImportaDovuto": {"dovuto": encode(b"<Versamento/>")},
        "paaSILRegistraPagamento": _PAGAMENTO,
        "paaSILAutorizzaImportFlusso": {},
        "paaSILChiediStatoImportFlusso": {"requestToken": "x"},
        "paaSILPrenotaExportFlusso": _GIORNI,
        "paaSILPrenotaExportFlussoIncrementaleConRicevuta": {
            "dateFrom": "2026-11-01T00:00:00",
            "ricevuta": "false",
            "incrementale": "false",
        },
        "paaSILChiediStatoExportFlusso": {"requestToken": "x"},
        "paaSILPrenotaExportFlussoScaduti": {"dataScadenza": "2026-11-20", "tipiDovuto": "TARI"},
        "paaSILChiediStatoExportFlussoScaduti": {"requestToken": "x"},
        "paaSILChiediAvvisiPendenti": _GIORNI,
        "paaSILChiediPosizioniAperte": {"identificativoUnivocoPersonaFG": _PERSONA},
        "paaSILChiediStoricoPagamenti": {
            "identificativoUnivocoPersonaFG": _PERSONA,
            "dataFrom": "2026-11-01T00:00:00",
        },
    }[operation]
    return own | {"password": OWN} | ({"codIpaEnte": ente} if operation in IN_BODY else {})
