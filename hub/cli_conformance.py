"""`pontepa conformance`: whether an integrator keeps the contract, as a signed report."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.domain.conformita.rapporto import Firmatario, Rapporto
from hub.domain.conformita.regola import Esito
from hub.formats.identita_rapporto import Identita, crea_identita, firmatario_of, impronta_of, read_identita
from hub.formats.rapporto_conformita import Letto, read_xml, render_json, render_xml, valori
from hub.formats.rapporto_conformita_html import render_html
from hub.formats.xml import XmlNonValido

_HTML, _JSON, _XML = "conformita.html", "conformita.json", "conformita.xml"
# Between two lines that say how far it is.
_SAY_EVERY_S = 2.0
# A secret in a file: a line.
_SECRET_MAX = 4096
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("conformance")
@click.option("--ente", metavar="CODIPAENTE", help="L'ente delle chiamate.")
@click.option("--applicazione", metavar="NOME", help="Solo le chiamate di questa applicazione.")
@click.option("--da", metavar="ISTANTE", help="Solo le chiamate da questo istante (ISO 8601, UTC se non è detto).")
@click.option("--anche-anonime", is_flag=True,
              help="Anche le chiamate che non nominano un ente noto: se in questo hub prova uno solo.")  # fmt: skip
@click.option("--flussi", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="CARTELLA",
              help="Controlla anche i file di questa cartella.")  # fmt: skip
@click.option("--callback", default="", show_default=False, metavar="URL",
              help="Chiama anche il punto di ascolto degli esiti, con esiti di prova.")  # fmt: skip
@click.option("--chiave-callback", type=_FILE, metavar="FILE",
              help="La chiave che firma gli esiti; senza, quella configurata per quell'indirizzo.")  # fmt: skip
@click.option("--iud", default="", show_default=False, metavar="IUD",
              help="Un dovuto che il punto di ascolto conosce; senza, l'ultimo mandato.")  # fmt: skip
@click.option("--hub", "hub_url", metavar="URL", help="L'hub da interrogare; senza, PONTEPA_PUBLIC_URL.")
@click.option("--senza-hub", is_flag=True, help="Non interroga l'hub.")
@click.option("--password-ente", type=_FILE, metavar="FILE",
              help="La password dell'ente, per le domande all'hub che la vogliono.")  # fmt: skip
@click.option("--uscita", type=click.Path(file_okay=False, path_type=Path), metavar="CARTELLA",
              help=f"Dove scrivere {_HTML}, {_JSON} e {_XML}.")  # fmt: skip
@click.option("--chiave", type=_FILE, metavar="FILE", help="La chiave che firma il rapporto (PEM).")
@click.option("--certificato", type=_FILE, metavar="FILE",
              help="Il suo certificato (PEM); con --verifica, quello che deve aver firmato.")  # fmt: skip
@click.option("--verifica", "signed", type=_FILE, metavar="FILE", help="Controlla un rapporto firmato, e basta.")
@json_option
@pass_settings
def conformance(
    settings: Settings, ente: str | None, applicazione: str | None, da: str | None, anche_anonime: bool,
    flussi: Path | None, callback: str, chiave_callback: Path | None, iud: str, hub_url: str | None, senza_hub: bool,
    password_ente: Path | None, uscita: Path | None, chiave: Path | None, certificato: Path | None,
    signed: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Giudica le chiamate, i flussi e il punto di ascolto di un integratore, e scrive un rapporto firmato.

    Esce con 1 se una regola è violata.
    """
    if signed is not None:
        _verifica(signed, certificato, as_json)
        return
    if not ente or uscita is None:
        raise click.UsageError("servono --ente e --uscita (oppure --verifica)")
    if (chiave is None) != (certificato is None):
        raise click.UsageError("--chiave e --certificato vanno insieme")
    from hub.usecases.conformita import Incarico

    incarico = Incarico(
        cod_ipa_ente=ente,
        applicazione=applicazione,
        da=_istante(da),
        are_anonime=anche_anonime,
        flussi=flussi,
        callback=callback,
        chiave=_secret(chiave_callback),
        iud=iud,
        hub="" if senza_hub else hub_url or settings.config.public_url,
        password=_secret(password_ente) or None,
    )
    rapporto = _fai(settings, incarico)
    identita = _identita(chiave, certificato, rapporto.istante)
    _scrivi(rapporto, identita, uscita)
    _stampa(rapporto, identita.firmatario, uscita, as_json)
    if not rapporto.is_conforme:
        raise Refusal(f"regole violate: {rapporto.conto[Esito.VIOLATA]}")


def _fai(settings: Settings, incarico: Any) -> Rapporto:
    from hub.app_conformita import build_sonde
    from hub.formats.segreti import Cassaforte
    from hub.usecases.conformita import Impostazioni, Mezzi, fai_rapporto

    config = settings.config
    sonde = build_sonde(config)
    mezzi = Mezzi(sonde.callback, sonde.hub, sonde.firma, sonde.hub.giorni_certificato)
    impostazioni = Impostazioni(config.secret_key, Cassaforte(config.secret_key), config.iuv_quindici_fino_al)
    with settings.database() as db:
        return fai_rapporto(db, incarico, mezzi, impostazioni, utc_now(), _Detto())


class _Detto:
    """Says on stderr now and then what a long report is at."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, what: str) -> None:
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            click.echo(what, err=True)


def _istante(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"--da {text!r}: atteso un istante come 2026-11-22T09:00:00") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    with file.open("rb") as opened:
        lines = opened.read(_SECRET_MAX).decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines else ""


def _identita(chiave: Path | None, certificato: Path | None, now: datetime) -> Identita:
    if chiave is None or certificato is None:
        return crea_identita(now)
    return read_identita(chiave.read_bytes(), certificato.read_bytes())


def _scrivi(rapporto: Rapporto, identita: Identita, uscita: Path) -> None:
    from hub.app_conformita import sign_rapporto

    files = {_HTML: render_html(rapporto, identita.firmatario), _JSON: render_json(rapporto)}
    try:
        files[_XML] = sign_rapporto(render_xml(rapporto, files), identita.chiave, identita.certificato)
    except ValueError as error:
        raise Refusal("la chiave non sa firmare: serve RSA, oppure EC P-256, P-384 o P-521") from error
    uscita.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        unfinished = uscita / f".{name}.parte"
        unfinished.write_bytes(data)
        unfinished.replace(uscita / name)


def _stampa(rapporto: Rapporto, firmatario: Firmatario, uscita: Path, as_json: bool) -> None:
    if as_json:
        print_json(valori(rapporto))
        return
    groups: dict[str, dict[str, Any]] = {}
    for verdetto in rapporto.verdetti:
        row = groups.setdefault(
            verdetto.regola.gruppo, {"gruppo": str(verdetto.regola.gruppo)} | dict.fromkeys(Esito, 0)
        )
        row[verdetto.esito] += 1
    print_table({"gruppo": "gruppo"} | {esito: esito.lower() for esito in Esito}, list(groups.values()), False)
    wrong = [one for one in rapporto.verdetti if one.contrari]
    if wrong:
        click.echo()
    for verdetto in wrong:
        click.echo(f"{verdetto.regola.codice} {verdetto.esito}: {verdetto.regola.requisito}")
        for visto in verdetto.visti[:2]:
            click.echo(f"    {visto.dove}: {visto.problema}")
        click.echo(f"    rimedio: {verdetto.regola.rimedio}")
    click.echo(f"\nchiamate: {rapporto.chiamate}, flussi: {rapporto.flussi}; rapporto {rapporto.id} in {uscita}")
    kind = "un certificato autofirmato, creato ora" if firmatario.is_autofirmato else firmatario.nome
    click.echo(f"firmato con {kind}, impronta {firmatario.impronta}")
    if not rapporto.chiamate:
        click.echo("nessuna chiamata registrata: il server va avviato con PONTEPA_SANDBOX", err=True)


def _verifica(file: Path, certificato: Path | None, as_json: bool) -> None:
    from hub.app_conformita import verify_rapporto

    found = verify_rapporto(file.read_bytes())
    if found is None:
        raise Refusal(f"{file}: la firma non c'è, o non è di questo documento")
    try:
        letto = read_xml(found[0])
    except XmlNonValido as error:
        raise Refusal(f"{file}: {error.reason}") from error
    firmatario = firmatario_of(found[1])
    if certificato is not None and impronta_of(certificato.read_bytes()) != firmatario.impronta:
        raise Refusal(f"{file}: ha firmato un altro certificato, {firmatario.nome} ({firmatario.impronta})")
    beside = {name: _beside(file.parent / name, digest) for name, digest in letto.allegati.items()}
    _stampa_verifica(letto, firmatario, beside, as_json)
    if "cambiato" in beside.values():
        raise Refusal("un file accanto al rapporto non è quello firmato")


def _beside(file: Path, digest: str) -> str:
    if file.name not in (_HTML, _JSON) or not file.is_file():
        return "non c'è"
    with file.open("rb") as opened:
        return "intero" if hashlib.file_digest(opened, "sha256").hexdigest() == digest else "cambiato"


def _stampa_verifica(letto: Letto, firmatario: Firmatario, beside: dict[str, str], as_json: bool) -> None:
    said = {
        "firma": "valida", "firmato_da": firmatario.nome, "impronta": firmatario.impronta,
        "autofirmato": firmatario.is_autofirmato, "rapporto": letto.id, "istante": letto.istante, "ente": letto.ente,
        "applicazione": letto.applicazione or None, "versione": letto.versione, "conforme": letto.conforme,
        "conto": dict(letto.conto), "allegati": beside,
    }  # fmt: skip
    if as_json:
        print_json(said)
        return
    said["conto"] = ", ".join(f"{name.lower()} {number}" for name, number in letto.conto.items())
    said["allegati"] = ", ".join(f"{name} {state}" for name, state in beside.items())
    rows = [{"campo": name, "valore": value} for name, value in said.items() if value is not None]
    print_table({"campo": "campo", "valore": "valore"}, rows, False)
