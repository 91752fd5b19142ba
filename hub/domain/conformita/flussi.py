"""Rules on the files of flows. Source: flows, 1.2, 1.3, 2.1 to 2.6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from hub.domain.conformita.prove import Flusso, Prove, Scartata
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, Visto

_UPLOAD_MAX = 10 * 1024 * 1024
_STRUTTURA = "PAA_IMPORT_SINTASSI_CSV"
# Which codes and fields have a rule of their own; the rest is told by FLU-18.
_IMPORTO = ("_IMPORTO", "_COMMISSIONI_PA", "_IMPORTO_VERS_ENTE_SECONDARIO")
_CODICE = ("_COD_FISC", "_P_IVA", "_COD_FISC_P_IVA", "_COD_FISC_ENTE_SECONDARIO")
_SCADENZA = ("_DATA_SCADENZA_PAGAMENTO_NON_PRESENTE", "_DATA_SCADENZA_PAGAMENTO")
_RISCOSSIONE = ("_DATI_RISCOSS", "_DATI_RISCOSS_ENTE_SECONDARIO")
_TIPI = ("_TIPO_DOVUTO_INESISTENTE", "_TIPO_DOVUTO_NON_ATTIVO_PER_ENTE", "_TIPO_DOVUTO",
         "_TIPO_DOVUTO_NON_VALIDO_MARCA_DA_BOLLO")  # fmt: skip
_IUV = ("_IUV",)
_INDIRIZZI = ("_INDIRIZZO", "_CIVICO", "_NAZ", "_PROV", "_CAP", "_NAZ_PROV_CAP", "_EMAIL")
_BILANCIO = ("_BILANCIO",)
_AZIONE = ("_AZIONE",)
_IUD_DUPLICATO = "PAA_IMPORT_IUD_DUPLICATO"
_DATA_OBBLIGATORIA = "PAA_IMPORT_DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA"


def _su(look: Callable[[Prove, Flusso], Giudizio]) -> Guarda:
    def guarda(prove: Prove) -> Iterator[Visto]:
        for flusso in prove.flussi:
            found = look(prove, flusso)
            if found is not None:
                yield Visto(flusso.nome[:120], found)

    return guarda


def _is_letto(flusso: Flusso) -> bool:
    return not flusso.problema_nome and flusso.problema is None


def _nome(prove: Prove, flusso: Flusso) -> Giudizio:
    return (
        ""
        if not flusso.problema_nome.startswith("PAA_IMPORT_NOME_FILE_ERR")
        else "atteso <codIpaEnte>-<iuf>-<versione>"
    )


def _versione(prove: Prove, flusso: Flusso) -> Giudizio:
    if flusso.problema_nome.startswith("PAA_IMPORT_NOME_FILE_ERR"):
        return None
    return flusso.problema_nome and f"{flusso.problema_nome[:60]}: ammesse da 1_0 a 1_4"


def _ente(prove: Prove, flusso: Flusso) -> Giudizio:
    if flusso.problema_nome:
        return None
    is_own = flusso.cod_ipa_ente == prove.cod_ipa_ente
    return "" if is_own else f"il nome è dell'ente {flusso.cod_ipa_ente[:35]!r}"


def _archivio(prove: Prove, flusso: Flusso) -> Giudizio:
    if flusso.problema_nome or not flusso.nome.lower().endswith(".zip"):
        return None
    return "" if flusso.problema is None else f"{flusso.problema[0]}: {flusso.problema[1][:200]}"


def _csv_leggibile(prove: Prove, flusso: Flusso) -> Giudizio:
    if flusso.problema_nome or flusso.nome.lower().endswith(".zip"):
        return None
    return "" if flusso.problema is None else f"{flusso.problema[0]}: {flusso.problema[1][:200]}"


def _dimensione(prove: Prove, flusso: Flusso) -> Giudizio:
    if not flusso.nome.lower().endswith(".zip"):
        return None
    return "" if flusso.size_bytes <= _UPLOAD_MAX else f"{flusso.size_bytes} byte: l'upload ne ammette {_UPLOAD_MAX}"


def _utf8(prove: Prove, flusso: Flusso) -> Giudizio:
    return None if not _is_letto(flusso) else "" if flusso.is_utf8 else "il file non è in UTF-8"


def _bom(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso) or not flusso.is_utf8:
        return None
    return "il file comincia con un BOM" if flusso.has_bom else ""


def _separatore(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso):
        return None
    return "" if flusso.separatore == ";" else f"separatore {flusso.separatore!r}, atteso il punto e virgola"


def _intestazione(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso) or flusso.separatore != ";":
        return None
    pairs = zip(flusso.intestazione, flusso.intestazione_attesa, strict=False)
    wrong = next(((said, due) for said, due in pairs if said != due), None)
    if wrong is not None:
        return f"colonna {wrong[0][:40]!r}, nel tracciato {wrong[1]!r}"
    said, due = len(flusso.intestazione), len(flusso.intestazione_attesa)
    return "" if said == due else f"{said} colonne, attese {due}"


def _righe(prove: Prove, flusso: Flusso) -> Giudizio:
    return None if not _is_letto(flusso) else "" if flusso.righe else "nessuna riga"


def _scartate(codes: tuple[str, ...], campi: tuple[str, ...] = ()) -> Guarda:
    full = {_STRUTTURA + code for code in codes}

    def look(prove: Prove, flusso: Flusso) -> Giudizio:
        if not _is_letto(flusso) or not flusso.righe:
            return None
        found = [
            one for one in flusso.scartate if one.codice in full or (one.codice == _STRUTTURA and one.campo in campi)
        ]
        return _detto(found) if found else ""

    return _su(look)


def _detto(found: Sequence[Scartata]) -> str:
    first = found[0]
    return f"{len(found)} righe; linea {first.linea}: {first.messaggio[:160]}"


_CAMPI_IMPORTO = ("importoDovuto", "commissioneCaricoPa", "importoVersamentoEnteSecondario")
_CAMPI_SCADENZA = ("dataEsecuzionePagamento",)
_PROPRI = (*_IMPORTO, *_CODICE, *_SCADENZA, *_RISCOSSIONE, *_TIPI, *_IUV, *_INDIRIZZI, *_BILANCIO, *_AZIONE)


def _resto(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso) or not flusso.righe:
        return None
    told = {_STRUTTURA + code for code in _PROPRI} | {_IUD_DUPLICATO, _DATA_OBBLIGATORIA}
    fields = (*_CAMPI_IMPORTO, *_CAMPI_SCADENZA, "azione")
    found = [
        one for one in flusso.scartate
        if one.codice not in told and not (one.codice == _STRUTTURA and one.campo in fields)
    ]  # fmt: skip
    return _detto(found) if found else ""


def _scadenza(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso) or not flusso.righe:
        return None
    told = {_STRUTTURA + code for code in _SCADENZA} | {_DATA_OBBLIGATORIA}
    found = [
        one for one in flusso.scartate
        if one.codice in told or (one.codice == _STRUTTURA and one.campo in _CAMPI_SCADENZA)
    ]  # fmt: skip
    return _detto(found) if found else ""


def _iud_nel_file(prove: Prove, flusso: Flusso) -> Giudizio:
    if not _is_letto(flusso) or not flusso.righe:
        return None
    found = [one for one in flusso.scartate if one.codice == _IUD_DUPLICATO]
    return _detto(found) if found else ""


def _iud_fra_file(prove: Prove) -> Iterator[Visto]:
    seen: dict[str, str] = {}
    read = [flusso for flusso in prove.flussi if _is_letto(flusso) and flusso.iud]
    if len(read) < 2:
        return
    for flusso in read:
        again = next((one for one in flusso.iud if seen.setdefault(one, flusso.nome) != flusso.nome), None)
        yield Visto(flusso.nome[:120], f"IUD {again[:35]!r} già inserito da {seen[again][:80]}" if again else "")


def _iuf_unico(prove: Prove) -> Iterator[Visto]:
    counted = Counter((one.cod_ipa_ente, one.iuf.lower()) for one in prove.flussi if not one.problema_nome)
    for (_, iuf), number in counted.items():
        yield Visto(f"iuf {iuf[:50]}", f"{number} file con lo stesso iuf" if number > 1 else "")


def _r(codice: str, requisito: str, fonte: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.FLUSSI, requisito, fonte, rimedio, guarda, consiglio)


_NOME = "Flussi, nome del file"
_CSV = "Flussi, tracciato di import"
_CONTROLLI = "Flussi, controlli delle righe"

REGOLE = (
    _r("FLU-01", "Il nome ha tre parti: ente, iuf, versione.", _NOME,
       "Nessun trattino dentro l'ente o lo iuf; estensione .zip (o .csv dentro).", _su(_nome)),
    _r("FLU-02", "La versione del tracciato esiste.", _NOME, "Scrivere 1_0, 1_1, 1_2, 1_3 o 1_4.", _su(_versione)),
    _r("FLU-03", "Il nome comincia con il codice dell'ente.", _NOME, "Usare il codIpaEnte esatto.", _su(_ente)),
    _r("FLU-04", "Lo zip contiene soltanto il csv con il suo stesso nome.", "Flussi, upload",
       "Un csv, senza cartelle, non cifrato.", _su(_archivio)),
    _r("FLU-05", "Il csv si apre.", _CSV, "Salvarlo come testo UTF-8 con la riga di intestazione.",
       _su(_csv_leggibile)),
    _r("FLU-06", "Lo zip sta nei dieci mega dell'upload.", "Flussi, upload", "Dividere il flusso.", _su(_dimensione)),
    _r("FLU-07", "Il csv è in UTF-8.", _CSV, "Salvarlo in UTF-8, non nella codifica della macchina.", _su(_utf8)),
    _r("FLU-08", "Il csv non comincia con un BOM.", _CSV, "Salvarlo in UTF-8 senza BOM.", _su(_bom), True),
    _r("FLU-09", "Il separatore è il punto e virgola.", _CSV, "Cambiare separatore nell'esportazione.",
       _su(_separatore)),
    _r("FLU-10", "L'intestazione ha i nomi e l'ordine del tracciato.", _CSV,
       "Copiare l'intestazione pubblicata: la piattaforma nazionale lega le colonne per nome.", _su(_intestazione),
       True),
    _r("FLU-11", "Il file ha almeno una riga.", _CSV, "Non mandare flussi vuoti.", _su(_righe)),
    _r("FLU-12", "Nel file ogni IUD è inserito una volta sola.", _CONTROLLI,
       "Inserimento e modifica dello stesso IUD vanno in file diversi.", _su(_iud_nel_file)),
    _r("FLU-13", "Gli IUD non si ripetono da un file all'altro.", _CONTROLLI, "Uno IUD vale per sempre.",
       _iud_fra_file),
    _r("FLU-14", "Ogni file ha uno iuf suo.", _NOME, "Un nuovo invio vuole un nuovo iuf, anche se il primo è fallito.",
       _iuf_unico),
    _r("FLU-15", "Gli importi hanno punto e due decimali, sopra lo zero.", _CONTROLLI, "Scrivere 10.50.",
       _scartate(_IMPORTO, _CAMPI_IMPORTO)),
    _r("FLU-16", "I codici fiscali e le partite IVA sono validi.", _CONTROLLI, "Correggere l'anagrafica.",
       _scartate(_CODICE)),
    _r("FLU-17", "Le scadenze sono date aaaa-mm-gg, presenti dove servono e non passate.", _CONTROLLI,
       "Controllare la colonna dataEsecuzionePagamento.", _su(_scadenza)),
    _r("FLU-18", "Nessuna riga è scartata per altri motivi.", _CONTROLLI,
       "pontepa flusso check FILE --ente COD li elenca tutti, riga per riga.", _su(_resto)),
    _r("FLU-19", "I tipi dovuto sono configurati e attivi.", _CONTROLLI, "Usare i codici concordati.",
       _scartate(_TIPI)),
    _r("FLU-20", "datiSpecificiRiscossione ha la forma giusta.", _CONTROLLI,
       "Cifra, barra, codice della tassonomia; per il secondario il codice deve esistere.", _scartate(_RISCOSSIONE)),
    _r("FLU-21", "azione è I, M o A.", _CONTROLLI, "Una lettera maiuscola nell'ultima colonna.",
       _scartate(_AZIONE, ("azione",))),
    _r("FLU-22", "Il bilancio è XML valido e la sua somma è l'importo.", _CONTROLLI,
       "Ripartire con interi in centesimi.", _scartate(_BILANCIO)),
    _r("FLU-23", "Gli IUV forniti sono validi.", _CONTROLLI,
       "Meglio flgGeneraIuv; altrimenti segregazione e controllo.",
       _scartate(_IUV)),
    _r("FLU-24", "Indirizzi, CAP, province, nazioni ed e-mail sono validi.", _CONTROLLI,
       "Correggerli, o lasciare vuota la colonna: sono facoltativi.", _scartate(_INDIRIZZI)),
)  # fmt: skip
