<?php
/**
 * Un ufficio tributi che carica un ruolo intero con un file solo: dall'elenco di chi deve pagare a un numero e un avviso per
 * ciascuno. Con SoapClient e ZipArchive (estensioni php-soap e php-zip), nient'altro.
 *
 * Chiede il permesso con paaSILAutorizzaImportFlusso, manda il flusso (uno ZIP con un csv), chiede con
 * paaSILChiediStatoImportFlusso finché è caricato, e prende i file dei risultati: le righe rifiutate e perché, il numero di
 * ciascun avviso, gli avvisi da stampare:
 *
 *     php tributi_flusso.php --elenco=elenco.csv --cartella=risultati
 *
 * elenco.csv ha una riga di nomi e poi una riga per debito:
 *
 *     iud;codice_fiscale;nome;importo;scadenza;causale
 *     TARI-2026-000001;RSSMRA80A01H501U;Mario Rossi;84.30;2026-12-31;Tassa rifiuti 2026, prima rata
 *
 * Opzioni: --wsdl, --ente, --password, --iuf=NOME, --attesa=SECONDI, --json (una riga JSON per ogni passo). Esce con 0 se ogni
 * debito è caricato, con 1 se qualcuno è rifiutato. La ricevuta di ciascuno si chiede poi con lo IUV, come in tributi.php.
 */
declare(strict_types=1);
require __DIR__ . '/comune.php';

// Le colonne si riconoscono dal posto, non dal nome: si scrivono tutte, in quest'ordine. Versione 1_3.
const COLONNE = [
    'IUD', 'codIuv', 'tipoIdentificativoUnivoco', 'codiceIdentificativoUnivoco', 'anagraficaPagatore',
    'indirizzoPagatore', 'civicoPagatore', 'capPagatore', 'localitaPagatore', 'provinciaPagatore', 'nazionePagatore',
    'mailPagatore', 'dataEsecuzionePagamento', 'importoDovuto', 'commissioneCaricoPa', 'tipoDovuto', 'tipoVersamento',
    'causaleVersamento', 'datiSpecificiRiscossione', 'bilancio', 'flgGeneraIuv', 'azione',
];
// Caricato (qualche riga può essere rifiutata), o rifiutato per intero; anche un codice che inizia con PAA_ è definitivo.
const FINITI = ['IMPORT_ESEGUITO', 'IMPORT_ABORTITO'];
// Un file grande ha bisogno di tempo per arrivare.
const ATTESA_FILE_S = 300;

/** Legge un csv con una riga di nomi: una riga per voce. Dentro un valore non ci sono a capo. */
function leggi_csv(string $testo): array
{
    $righe = preg_split('/\r\n|\n|\r/', trim(preg_replace('/^\xEF\xBB\xBF/', '', $testo)));
    $nomi = str_getcsv(array_shift($righe), ';', '"', '');
    $lette = [];
    foreach ($righe as $numero => $riga) {
        $valori = str_getcsv($riga, ';', '"', '');
        if (count($valori) !== count($nomi)) {
            throw new RuntimeException('riga ' . ($numero + 2) . ': valori ' . count($valori) . ', attesi ' . count($nomi));
        }
        $lette[] = array_combine($nomi, $valori);
    }

    return $lette;
}

/** Legge l'elenco. Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un debito annullato. */
function leggi_elenco(string $file): array
{
    $testo = @file_get_contents($file);
    if ($testo === false) {
        throw new RuntimeException("il file $file non c'è");
    }
    $debiti = leggi_csv($testo);
    foreach (['iud', 'codice_fiscale', 'nome', 'importo', 'scadenza', 'causale'] as $nome) {
        if (!isset($debiti[0][$nome])) {
            throw new RuntimeException("manca la colonna $nome, o non c'è nessun debito");
        }
    }

    return $debiti;
}

/** Scrive lo ZIP di un flusso: il csv dentro ha lo stesso nome. Importi con il punto e due decimali, date aaaa-mm-gg. */
function scrivi_flusso(string $nome, array $debiti): string
{
    $csv = fopen('php://temp', 'w+b');
    fputcsv($csv, COLONNE, ';', '"', '', "\n");
    foreach ($debiti as $debito) {
        $valori = [
            'IUD' => $debito['iud'],
            // F: una persona. G: un'azienda, con la sua partita IVA.
            'tipoIdentificativoUnivoco' => strlen($debito['codice_fiscale']) === 16 ? 'F' : 'G',
            'codiceIdentificativoUnivoco' => $debito['codice_fiscale'],
            'anagraficaPagatore' => $debito['nome'],
            'dataEsecuzionePagamento' => $debito['scadenza'],
            'importoDovuto' => $debito['importo'],
            'tipoDovuto' => 'TARI',
            'tipoVersamento' => 'ALL',
            'causaleVersamento' => $debito['causale'],
            'datiSpecificiRiscossione' => '9/0101101IM/',
            // Il numero dell'avviso lo dà l'hub, che lo stampa.
            'flgGeneraIuv' => 'true',
            // I inserisce, M modifica, A annulla.
            'azione' => 'I',
        ];
        fputcsv($csv, array_map(fn (string $colonna): string => $valori[$colonna] ?? '', COLONNE), ';', '"', '', "\n");
    }
    rewind($csv);

    // ZipArchive lavora su file, non in memoria.
    $file = tempnam(sys_get_temp_dir(), 'flusso');
    $zip = new ZipArchive();
    $zip->open($file, ZipArchive::OVERWRITE);
    $zip->addFromString("$nome.csv", stream_get_contents($csv));
    $zip->close();
    $dati = file_get_contents($file);
    unlink($file);

    return $dati;
}

/** Manda il flusso all'indirizzo e con il gettone avuti dal permesso. */
function carica(string $url, string $gettone, string $nome, string $flusso): void
{
    $confine = bin2hex(random_bytes(16));
    $corpo = "--$confine\r\nContent-Disposition: form-data; name=\"authorizationToken\"\r\n\r\n$gettone\r\n"
        . "--$confine\r\nContent-Disposition: form-data; name=\"file\"; filename=\"$nome.zip\"\r\n"
        . "Content-Type: application/zip\r\n\r\n$flusso\r\n--$confine--\r\n";
    $risposta = scarica($url, [
        'method' => 'POST',
        'header' => "Content-Type: multipart/form-data; boundary=$confine",
        'content' => $corpo,
    ]);
    // Lo stato è sempre 200, e la risposta un elenco di una cosa sola: solo i suoi nomi dicono se il file è stato preso.
    [$detto] = json_decode($risposta, true);
    if (isset($detto['codice'])) {
        throw new Rifiuto("{$detto['codice']}: {$detto['descrizione']}");
    }
}

/** Chiama un indirizzo e ne restituisce la risposta. */
function scarica(string $url, array $http = []): string
{
    $risposta = @file_get_contents($url, false, stream_context_create(['http' => $http + ['timeout' => ATTESA_FILE_S]]));
    if ($risposta === false) {
        throw new SoapFault('Client', "nessuna risposta da $url");
    }

    return $risposta;
}

/** Prende i file dentro uno ZIP di risultati, per nome; nessuno, se quel risultato non c'è. */
function prendi(?string $url): array
{
    if (($url ?? '') === '') {
        return [];
    }
    $file = tempnam(sys_get_temp_dir(), 'flusso');
    file_put_contents($file, scarica($url));
    $zip = new ZipArchive();
    $zip->open($file, ZipArchive::RDONLY);
    $trovati = [];
    for ($i = 0; $i < $zip->numFiles; $i++) {
        $trovati[$zip->getNameIndex($i)] = $zip->getFromIndex($i);
    }
    $zip->close();
    unlink($file);

    return $trovati;
}

/** Le righe del csv di un risultato. */
function righe(array $file): array
{
    return $file === [] ? [] : leggi_csv(reset($file));
}

/** Dice numeri e rifiuti, scrive gli avvisi; restituisce quante righe sono state rifiutate. */
function racconta_risultati(object $caricato, string $cartella, bool $json): int
{
    foreach (righe(prendi($caricato->urlFileIUV ?? null)) as $riga) {
        // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
        $avviso = '3' . $riga['codIuv'];
        racconta($json, 'avviso', ['iud' => $riga['IUD'], 'iuv' => $riga['codIuv'], 'avviso' => $avviso]);
    }
    foreach (prendi($caricato->urlFileAvvisi ?? null) as $nome => $pdf) {
        is_dir($cartella) || mkdir($cartella, 0777, true);
        // Solo il nome: ciò che viene da fuori non decide dove scriviamo.
        file_put_contents($cartella . '/' . basename($nome), $pdf);
    }
    $scarti = righe(prendi($caricato->urlFileScarti ?? null));
    foreach ($scarti as $riga) {
        $valori = ['iud' => $riga['IUD'], 'codice' => $riga['cod_rifiuto'], 'motivo' => $riga['de_rifiuto']];
        racconta($json, 'scarto', $valori);
    }

    return count($scarti);
}

$opzioni = ['elenco:', 'cartella:', 'iuf:'];
esegui($opzioni, function (Portale $portale, array $o, bool $json, int $attesa): int {
    try {
        $debiti = leggi_elenco($o['elenco'] ?? 'elenco.csv');
    } catch (RuntimeException $errore) {
        fwrite(STDERR, "L'elenco non si legge: {$errore->getMessage()}\n");

        return 1;
    }
    // Ente, nome del flusso, versione: un trattino fra loro e nessuno dentro. Un nome vale per un flusso solo.
    $nome = $portale->ente . '-' . ($o['iuf'] ?? 'TARI' . bin2hex(random_bytes(6))) . '-1_3';
    $permesso = $portale->chiama('paaSILAutorizzaImportFlusso', []);
    carica($permesso->uploadUrl, $permesso->authorizationToken, $nome, scrivi_flusso($nome, $debiti));
    racconta($json, 'caricato', ['nome' => $nome, 'token' => $permesso->requestToken]);

    $caricato = aspetta(function () use ($portale, $permesso): ?object {
        $risposta = $portale->chiama('paaSILChiediStatoImportFlusso', [
            'requestToken' => $permesso->requestToken, 'fileScarti' => true, 'fileIUV' => true, 'fileAvvisi' => true,
        ]);
        $is_finito = in_array($risposta->stato, FINITI, true) || str_starts_with($risposta->stato, 'PAA_');

        return $is_finito ? $risposta : null;
    }, $attesa);
    if ($caricato?->stato !== 'IMPORT_ESEGUITO') {
        fwrite(STDERR, "Il flusso $nome non è caricato: " . ($caricato->stato ?? 'è ancora in corso') . "\n");

        return 1;
    }

    return racconta_risultati($caricato, $o['cartella'] ?? '.', $json) === 0 ? 0 : 1;
});
