"""The words of the pages that do not stand in a template: errors, fields, amounts. Italian, for who pays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.formats.importi import italiano_from_cent

_NARROW = "\N{NO-BREAK SPACE}"
_NOME_MAX = 70
_EMAIL_MAX = 256
# Source: pa-per-ente, stEMail: no dot is required in the domain.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")

# Who called whom, in the sandbox.
CANALI = {
    "ENTE": "dall’ente all’hub",
    "FLUSSI": "file dell’ente",
    "NODO": "dal nodo all’hub",
    "VERSO_NODO": "dall’hub al nodo",
    "VERSO_ENTE": "dall’hub all’ente",
}

# By class of refusal or by HTTP status: title, explanation.
ERRORI: dict[str | int, tuple[str, str]] = {
    "PagamentoScaduto": (
        "Il tempo per pagare è scaduto",
        (
            "Per sicurezza questa pagina vale un’ora. Torna al servizio da cui sei partito e ricomincia: "
            "non ti è stato addebitato nulla."
        ),
    ),
    "IudDuplicato": (
        "Questo pagamento è già stato avviato",
        (
            "Un pagamento uguale risulta già avviato o concluso. Non pagare due volte: controlla la ricevuta nella tua "
            "posta elettronica oppure chiedi all’ente."
        ),
    ),
    "DovutoNonPagabile": (
        "Questo avviso non si può pagare adesso",
        (
            "È già in pagamento, oppure l’ente lo ha cambiato o annullato. Non pagare due volte: controlla la ricevuta "
            "nella tua posta elettronica, oppure torna al servizio da cui sei partito e ricomincia."
        ),
    ),
    "UrlNonValida": (
        "Manca l’indirizzo a cui tornare",
        (
            "Il servizio da cui arrivi non ha detto dove riportarti dopo il pagamento, o lo ha detto male. Torna a "
            "quel servizio e riprova: non ti è stato addebitato nulla."
        ),
    ),
    "AnagraficaNonValida": (
        "I dati di chi paga non sono completi",
        (
            "Il nome, l’e-mail o l’indirizzo di chi paga manca o non è valido, quindi il pagamento non può partire. "
            "Torna al servizio da cui sei partito e controlla i tuoi dati: non ti è stato addebitato nulla."
        ),
    ),
    "AvvisoNonTrovato": (
        "Questo avviso non è più da pagare",
        (
            "L’avviso è stato pagato, annullato o sostituito da un altro. Se hai dubbi chiedi all’ente che te lo ha "
            "mandato."
        ),
    ),
    400: ("Richiesta non valida", "La pagina ha ricevuto dati che non riconosce. Torna indietro e riprova."),
    401: (
        "Indirizzo scaduto o incompleto",
        "L’indirizzo dell’avviso non è valido o è scaduto. Copialo per intero, oppure chiedi all’ente un avviso nuovo.",
    ),
    403: ("Accesso non consentito", "Non hai il permesso di vedere questa pagina."),
    404: (
        "Pagamento non trovato",
        (
            "L’indirizzo che hai aperto non corrisponde a nessun pagamento. Controlla di averlo copiato per intero, "
            "oppure torna al servizio da cui sei partito e ricomincia."
        ),
    ),
    405: ("Richiesta non valida", "Questa pagina non si può usare in questo modo."),
    409: (
        "Questo pagamento non può proseguire",
        "Lo stato del pagamento è cambiato nel frattempo. Torna al servizio da cui sei partito e controlla.",
    ),
    413: (
        "Dati troppo lunghi",
        "Hai inviato più dati di quanti questa pagina ne accetti. Torna indietro e accorciali.",
    ),
    422: ("Dati non validi", "Uno dei dati inviati non è valido. Torna indietro e controlla."),
    429: ("Troppe richieste", "Aspetta un minuto e riprova."),
    500: (
        "Qualcosa non ha funzionato",
        "Il problema è nostro, non tuo, e non dipende dai tuoi dati. Riprova tra qualche minuto.",
    ),
    503: (
        "Servizio momentaneamente non disponibile",
        "Riprova tra qualche minuto: i dati del pagamento sono al sicuro.",
    ),
}


def euro(cent: int) -> str:
    """Return an amount as people read it.

    >>> euro(123456).replace(chr(160), " "), euro(5).replace(chr(160), " ")
    ('1.234,56 €', '0,05 €')
    """
    return f"{italiano_from_cent(cent)}{_NARROW}€"


def ora(instant: datetime) -> str:
    """Return an instant as people read it, in Rome.

    >>> ora(datetime.fromisoformat("2026-07-01T22:30:00+00:00"))
    '2/07/2026, 00:30'
    """
    local = instant.astimezone(ZoneInfo("Europe/Rome"))
    return f"{local.day}/{local:%m/%Y, %H:%M}"


def secondo(instant: datetime) -> str:
    """Return an instant to the second, in Rome.

    >>> secondo(datetime.fromisoformat("2026-07-01T22:30:05+00:00"))
    '2/07/2026, 00:30:05'
    """
    return f"{ora(instant)}:{instant:%S}"


def millesimi(durata_us: int) -> str:
    """Return how long something took.

    >>> millesimi(1234567), millesimi(800)
    ('1234,6 ms', '0,8 ms')
    """
    return f"{durata_us / 1000:.1f} ms".replace(".", ",")


def is_email(text: str) -> bool:
    """Whether the contract would take this as an e-mail address."""
    return len(text) <= _EMAIL_MAX and _EMAIL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class DatiPagatore:
    """What the payer confirmed, as typed (blanks collapsed)."""

    nome: str
    email: str

    @classmethod
    def read(cls, nome: str, email: str) -> DatiPagatore:
        """Return the two fields without stray blanks."""
        return cls(" ".join(nome.split()), email.strip())

    def errori(self) -> dict[str, str]:
        """Return one sentence for each field that cannot be accepted; empty when all is well."""
        found: dict[str, str] = {}
        if not self.nome:
            found["nome"] = "Scrivi il nome e il cognome, o la ragione sociale, di chi paga."
        elif len(self.nome) > _NOME_MAX:
            found["nome"] = f"Il nome può avere al massimo {_NOME_MAX} caratteri."
        elif not self.nome.isprintable():
            found["nome"] = "Il nome contiene caratteri che non si possono usare."
        if not self.email:
            found["email"] = "Scrivi un indirizzo e-mail: ci arriverà la ricevuta."
        elif not is_email(self.email):
            found["email"] = "Questo indirizzo e-mail non è valido. Un esempio: mario.rossi@example.it."
        return found
