<?php
/**
 * Un programma di mensa scolastica che chiede di essere pagato, con il solo SoapClient di PHP (estensione php-soap).
 *
 * Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché non c'è:
 *
 *     php mensa.php --wsdl='http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl'
 *
 * Opzioni: --ente, --password, --iud, --importo, --attesa=SECONDI, --json (una riga JSON per ogni passo).
 * Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 */
declare(strict_types=1);

const WSDL = 'http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl';
const NS_TESTATA = 'http://www.regione.veneto.it/pagamenti/ente/ppthead';
const NS_DOVUTI = 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/';

// Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive.
const NON_ANCORA = ['PAA_PAGAMENTO_NON_INIZIATO', 'PAA_PAGAMENTO_IN_CORSO'];

/** L'hub ha rifiutato: il codice dice che cosa, il testo perché. */
class Rifiuto extends RuntimeException
{
}

/** L'hub visto dalla mensa: due operazioni del contratto. */
class Portale
{
    private SoapClient $client;

    public function __construct(string $wsdl, private string $ente, private string $password)
    {
        // Senza limiti di tempo un programma aspetta per sempre: 10 secondi per collegarsi, 30 per la risposta.
        ini_set('default_socket_timeout', '30');
        $this->client = new SoapClient($wsdl, [
            'soap_version' => SOAP_1_1,
            'connection_timeout' => 10,
            'cache_wsdl' => WSDL_CACHE_MEMORY,
            'exceptions' => true,
        ]);
    }

    /** Invia un documento Dovuti; restituisce idSession e url della pagina a cui si paga. */
    public function invia(string $documento, string $urlRitorno = ''): object
    {
        // codIpaEnte viaggia nella testata SOAP. Il documento si passa così com'è: è SoapClient che lo mette in
        // base64, perché il contratto dice che il campo è base64Binary.
        $testata = new SoapHeader(NS_TESTATA, 'intestazionePPT', ['codIpaEnte' => $this->ente]);
        $risposta = $this->client->__soapCall('paaSILInviaDovuti', [[
            'password' => $this->password,
            'dovuti' => $documento,
            'enteSILInviaRispostaPagamentoUrl' => $urlRitorno,
        ]], null, [$testata]);
        $this->controlla($risposta);

        return $risposta;
    }

    /** Restituisce il documento PagatiConRicevuta, o null se non c'è ancora. */
    public function chiedi(string $idSession): ?string
    {
        $risposta = $this->client->paaSILChiediPagatiConRicevuta([
            'codIpaEnte' => $this->ente,
            'password' => $this->password,
            'idSession' => $idSession,
        ]);
        if (in_array($risposta->fault->faultCode ?? '', NON_ANCORA, true)) {
            return null;
        }
        $this->controlla($risposta);

        return decodifica($risposta->pagati);
    }

    private function controlla(object $risposta): void
    {
        if (isset($risposta->fault)) {
            $fault = $risposta->fault;
            throw new Rifiuto($fault->faultCode . ': ' . ($fault->description ?? $fault->faultString));
        }
    }
}

/** Protegge un testo che va dentro l'XML. */
function testo(string $valore): string
{
    return htmlspecialchars($valore, ENT_XML1 | ENT_SUBSTITUTE, 'UTF-8');
}

/**
 * Scrive il documento Dovuti. L'ordine degli elementi conta; quelli senza valore si omettono.
 *
 * Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due decimali,
 * con il punto.
 */
function documento_dovuti(string $iud, string $importo): string
{
    $ns = NS_DOVUTI;
    [$iud, $importo] = [testo($iud), testo($importo)];
    $causale = testo('Mensa scolastica, è il mese di marzo & aprile');

    return <<<XML
        <pay_i:Dovuti xmlns:pay_i="$ns">
          <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
          <pay_i:soggettoPagatore>
            <pay_i:identificativoUnivocoPagatore>
              <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
              <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
            </pay_i:identificativoUnivocoPagatore>
            <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
            <pay_i:e-mailPagatore>mario.rossi@example.org</pay_i:e-mailPagatore>
          </pay_i:soggettoPagatore>
          <pay_i:datiVersamento>
            <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
            <pay_i:datiSingoloVersamento>
              <pay_i:identificativoUnivocoDovuto>$iud</pay_i:identificativoUnivocoDovuto>
              <pay_i:importoSingoloVersamento>$importo</pay_i:importoSingoloVersamento>
              <pay_i:identificativoTipoDovuto>MENSA</pay_i:identificativoTipoDovuto>
              <pay_i:causaleVersamento>$causale</pay_i:causaleVersamento>
              <pay_i:datiSpecificiRiscossione>9/0107101TS/</pay_i:datiSpecificiRiscossione>
            </pay_i:datiSingoloVersamento>
          </pay_i:datiVersamento>
        </pay_i:Dovuti>
        XML;
}

/** SoapClient toglie un livello di base64; i portali ne mettono uno o due: si decodifica finché è XML. */
function decodifica(string $contenuto): string
{
    for ($giro = 0; $giro < 3 && !str_starts_with(ltrim($contenuto), '<'); $giro++) {
        $contenuto = (string) base64_decode($contenuto, true);
    }

    return $contenuto;
}

/** Legge dal documento quello che serve a chiudere la partita. Un programma vero userebbe SimpleXML (php-xml). */
function leggi_pagato(string $documento): array
{
    $campo = fn (string $nome): string => preg_match("~<(?:\\w+:)?$nome>([^<]*)<~", $documento, $trovato) ? $trovato[1] : '';

    return [
        'esito' => $campo('codiceEsitoPagamento'), // "0" vuol dire pagato
        'importo' => $campo('importoTotalePagato'),
        'iuv' => $campo('identificativoUnivocoVersamento'),
        'iud' => $campo('identificativoUnivocoDovuto'),
        'iur' => $campo('identificativoUnivocoRiscossione'),
    ];
}

/** Dice un passo a chi guarda, o a un programma con --json. */
function racconta(bool $json, string $passo, array $valori): void
{
    echo $json ? json_encode(['passo' => $passo] + $valori, JSON_UNESCAPED_SLASHES) : "$passo: " . print_r($valori, true), "\n";
    flush();
}

function principale(): int
{
    $o = getopt('', ['wsdl:', 'ente:', 'password:', 'iud:', 'importo:', 'attesa:', 'json']);
    $json = isset($o['json']);
    $iud = $o['iud'] ?? 'PHP-' . bin2hex(random_bytes(10));
    $portale = new Portale($o['wsdl'] ?? WSDL, $o['ente'] ?? 'C_PROVA', $o['password'] ?? 'Segreto12345');

    $sessione = $portale->invia(documento_dovuti($iud, $o['importo'] ?? '12.50'));
    racconta($json, 'inviato', ['id_session' => $sessione->idSession, 'url' => $sessione->url, 'iud' => $iud]);

    $scadenza = time() + (int) ($o['attesa'] ?? 300);
    while (($documento = $portale->chiedi($sessione->idSession)) === null) {
        if (time() >= $scadenza) {
            fwrite(STDERR, "Nessuna ricevuta per ora: riprovare più tardi con l'idSession\n");

            return 1;
        }
        sleep(1);
    }
    $pagato = leggi_pagato($documento);
    racconta($json, 'ricevuta', $pagato);

    return $pagato['esito'] === '0' ? 0 : 1;
}

try {
    exit(principale());
} catch (Rifiuto $rifiuto) {
    fwrite(STDERR, 'Rifiutato. ' . $rifiuto->getMessage() . "\n");
} catch (SoapFault $fault) {
    fwrite(STDERR, 'Il servizio ha risposto con un errore: ' . $fault->getMessage() . "\n");
}
exit(1);
