"""docs/conformita.md: how a report of conformance is made, and all of its rules, from `hub.domain.conformita`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from hub.domain.conformita import REGOLE, Esito, Regola
from tests.conformita.mensa_rotto import SBAGLI

FILE = Path(__file__).with_name("conformita.md")
# What the reports of the two canteen clients count, the hub not asked; tests/conformita/test_dal_vivo.py proves it.
MENSA: Mapping[Esito, int] = {Esito.RISPETTATA: 58, Esito.VIOLATA: 0, Esito.AVVERTENZA: 0, Esito.NON_VISTA: 113}
MENSA_ROTTA: Mapping[Esito, int] = {Esito.RISPETTATA: 17, Esito.VIOLATA: 39, Esito.AVVERTENZA: 8, Esito.NON_VISTA: 107}

_HEAD = """# Il rapporto di conformità

<!-- Generato da hub/domain/conformita con `make docs`: non si corregge a mano. -->

`pontepa conformance` dice se un gestionale rispetta il contratto: guarda le chiamate che ha fatto davvero, i file dei
suoi flussi, il suo punto di ascolto degli esiti, e interroga l'hub stesso. Scrive un rapporto in italiano, datato e
firmato: per ogni regola l'esito, che cosa si è visto (numero e ora della chiamata, elemento) e come rimediare.

## Come si fa

1. Avviare l'hub con `PONTEPA_SANDBOX=true` ([sandbox](sandbox.md)): ogni chiamata resta registrata.
2. Far lavorare il gestionale come lavorerà: mandare dovuti, farli pagare, chiedere l'esito, caricare un flusso.
3. Fare il rapporto:

```sh
pontepa conformance --ente C_PROVA --uscita rapporto \\
    --flussi flussi/ --callback https://sportello.example.org/esiti --password-ente password.txt
```

| opzione | che cosa fa |
|---|---|
| `--ente COD` | l'ente delle chiamate da giudicare |
| `--applicazione NOME` | solo le chiamate di quell'applicazione, e quelle dell'ente che non si sono fatte riconoscere |
| `--da ISTANTE` | solo le chiamate da allora in poi: dopo una correzione si giudica ciò che viene dopo |
| `--anche-anonime` | anche le chiamate che non nominano un ente noto: solo dove prova un integratore alla volta |
| `--flussi CARTELLA` | prova i `.zip` e i `.csv` della cartella, senza caricare nulla |
| `--callback URL` | chiama il punto di ascolto con esiti di prova ([che cosa riceve](inoltro-esito.md)) |
| `--chiave-callback FILE` | la chiave che firma gli esiti; senza, quella configurata per quell'indirizzo |
| `--iud IUD` | un dovuto che il punto di ascolto conosce; senza, l'ultimo mandato |
| `--hub URL`, `--senza-hub` | l'hub da interrogare (senza, `PONTEPA_PUBLIC_URL`), o nessuno |
| `--password-ente FILE` | la password dell'ente, per le domande all'hub che la vogliono |
| `--uscita CARTELLA` | dove scrivere `conformita.html`, `conformita.json` e `conformita.xml` |
| `--chiave FILE --certificato FILE` | chi firma (PEM); senza, un certificato autofirmato creato al momento |
| `--json` | il rapporto in JSON al posto della tabella |

Finisce con 1 se una regola è violata, con 0 se no.

## Che cosa vuol dire l'esito

| esito | vuol dire |
|---|---|
| RISPETTATA | si è visto almeno un caso, e tutti erano in regola |
| VIOLATA | almeno un caso contrario: il rapporto mostra i primi cinque |
| AVVERTENZA | oggi funziona, ma altrove o domani no |
| NON VISTA | non si è visto nulla del genere: né difetto né prova. Un rapporto pieno di NON VISTA dice poco |

## Il punto di ascolto

Riceve quattordici chiamate firmate come quelle vere: un esito negativo, uno positivo tre volte, uno in ritardo, uno
senza ricevuta, uno grande, uno di un dovuto mai mandato; poi un corpo cambiato dopo la firma, una chiamata senza
firma, una firma vecchia, un corpo che non è JSON, un GET. **Dicono che un dovuto è stato pagato, e non è vero**: si
usa un ambiente di prova. Le regole sugli indirizzi sono quelle dell'inoltro: in produzione solo `https` e indirizzi
pubblici. Le regole sulla firma si giudicano quando la chiave è nota.

## L'hub

Le domande all'hub sono di quelle che rifiuta, e non lasciano dovuti né sessioni; due hanno una password sbagliata.
Portano un riferimento che solo questo hub sa scrivere, e il rapporto seguente non le conta fra le chiamate
dell'integratore.

## La firma

`conformita.xml` contiene tutto il rapporto, le impronte SHA-256 degli altri due file e una firma XML (enveloped,
SHA-256) con il certificato. Si controlla così:

```sh
pontepa conformance --verifica rapporto/conformita.xml --certificato ente.pem
```

Dice chi ha firmato, quando, e se i file accanto sono ancora quelli. Un certificato autofirmato prova che il rapporto
è intero, non chi lo ha fatto: per una gara si firma con `--chiave` e `--certificato` di chi ne risponde.
`--certificato`, con `--verifica`, è quello che deve aver firmato. L'impronta delle prove distingue due rapporti sulle
stesse chiamate da due rapporti su chiamate diverse. Il rapporto non contiene codici fiscali, nomi, e-mail né
password.

## Quello che non giudica

La sandbox conserva le ultime chiamate di ogni ente, e di quelle più grandi solo l'inizio: quelle conservate a metà
sono escluse, e il rapporto dice quante. Le connessioni (keep-alive, tempi di attesa) si vedono solo per i loro
effetti: ripetizioni, ritmo, doppi.
"""

_CONFRONTO = """## Due rapporti: la mensa, e una mensa che sbaglia tutto

Uno dei client d'esempio, la mensa, e un client scritto apposta per fare {sbagli} errori, uno per volta
([mensa_rotto.py](../tests/conformita/mensa_rotto.py)). I rapporti si rifanno con un comando ciascuno, contro
un'installazione di processi veri; nella cartella restano `conformita.html`, `conformita.json` e `conformita.xml`:

```sh
python -m tests.conformita.esempi --uscita rapporto-mensa           # in ogni linguaggio che c'è; o solo in php, java...
python -m tests.conformita.esempi rotto --uscita rapporto-rotto
```

| esito | la mensa | la mensa rotta |
|---|---|---|
{conto}

Le regole non viste sono quelle di ciò che una mensa non fa: flussi, avvisi, punto di ascolto. Il conto della mensa è
quello del client in Python con un indirizzo di ritorno, senza le domande all'hub: il primo comando fa anche quelle.

![Il rapporto della mensa rotta](immagini/conformita.png)

Ogni errore è nominato dalla sua regola, e nessun'altra regola è violata:

| errore | regola | esito |
|---|---|---|
{errori}
"""


def render() -> str:
    """Return the page; it is the same for the same rules."""
    lines = [_HEAD, _confronto(), f"## Le {len(REGOLE)} regole", ""]
    for gruppo, regole in groupby(REGOLE, key=lambda regola: regola.gruppo):
        lines += [
            f"### {gruppo}",
            "",
            "| regola | che cosa è richiesto | fonte | come rimediare |",
            "|---|---|---|---|",
        ]
        lines += [*map(_row, regole), ""]
    lines += ["Un asterisco: chi fa altrimenti ha un'avvertenza, non una violazione.", ""]
    return "\n".join(lines)


def _confronto() -> str:
    regole = {regola.codice: regola for regola in REGOLE}
    conto = [f"| {esito} | {MENSA[esito]} | {MENSA_ROTTA[esito]} |" for esito in Esito]
    errori = [
        f"| `{sbaglio.__name__}` | {codice}: {_cell(regole[codice].requisito)} | "
        f"{Esito.AVVERTENZA if regole[codice].consiglio else Esito.VIOLATA} |"
        for sbaglio, codici in SBAGLI
        for codice in sorted(codici)
    ]
    return _CONFRONTO.format(sbagli=len(SBAGLI), conto="\n".join(conto), errori="\n".join(errori))


def _row(regola: Regola) -> str:
    star = "\\*" if regola.consiglio else ""
    cells = (f"{regola.codice}{star}", regola.requisito, regola.fonte, regola.rimedio)
    return "| " + " | ".join(_cell(one) for one in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_")
