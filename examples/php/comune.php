<?php
/**
 * Ciò che i programmi d'esempio hanno in comune: il portale visto da fuori, con il solo SoapClient di PHP (estensione
 * php-soap). mensa.php, tributi.php, tributi_flusso.php e ztl.php raccontano ciascuno la sua storia.
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

/** L'hub, chiamato per conto di un ente. */
class Portale
{
    private SoapClient $client;

    public function __construct(string $wsdl, public readonly string $ente, private string $password)
    {
        // Senza limiti di tempo un programma aspetta per sempre: 10 secondi per collegarsi, 30 per la risposta.
        ini_set('default_socket_timeout', '30');
        $this->client = new SoapClient($wsdl, [
            'soap_version' => SOAP_1_1,
            'connection_timeout' => 10,
            'cache_wsdl' => WSDL_CACHE_MEMORY,
            'exceptions' => true,
            // Una lista di un solo elemento resta una lista.
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        ]);
    }

    /**
     * Chiama un'operazione in cui l'ente sta nella testata SOAP.
     *
     * I documenti si passano così come sono: è SoapClient che li mette in base64, perché il contratto dice che il
     * campo è base64Binary.
     */
    public function chiama(string $operazione, array $campi): object
    {
        $testata = new SoapHeader(NS_TESTATA, 'intestazionePPT', ['codIpaEnte' => $this->ente]);
        $risposta = $this->client->__soapCall($operazione, [['password' => $this->password] + $campi], null, [$testata]);
        $this->controlla($risposta);

        return $risposta;
    }

    /** Chiede la ricevuta, per idSession o per IUV; null se non c'è ancora. */
    public function chiedi_pagato(array $chiave): ?string
    {
        $risposta = $this->client->paaSILChiediPagatiConRicevuta(
            ['codIpaEnte' => $this->ente, 'password' => $this->password] + $chiave
        );
        if (in_array($risposta->fault->faultCode ?? '', NON_ANCORA, true)) {
            return null;
        }
        $this->controlla($risposta);

        return decodifica($risposta->pagati);
    }

    /** Chiede com'è finito un carrello: una risposta per ente. */
    public function chiedi_carrello(string $idSession): array
    {
        $risposta = $this->client->paaSILChiediEsitoCarrelloDovuti([
            'codIpaEnte' => $this->ente,
            'password' => $this->password,
            'idSessionCarrello' => $idSession,
        ]);
        $this->controlla($risposta);

        return $risposta->listaCarrelli->rispostaCarrello;
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
 * Scrive il documento Dovuti di un dovuto solo. L'ordine degli elementi conta; quelli senza valore si omettono.
 *
 * Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due decimali,
 * con il punto.
 */
function documento_dovuti(string $iud, string $importo, string $tipo, string $tassonomia, string $causale): string
{
    $ns = NS_DOVUTI;
    [$iud, $importo, $tipo, $tassonomia, $causale] = array_map('testo', [$iud, $importo, $tipo, $tassonomia, $causale]);

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
              <pay_i:identificativoTipoDovuto>$tipo</pay_i:identificativoTipoDovuto>
              <pay_i:causaleVersamento>$causale</pay_i:causaleVersamento>
              <pay_i:datiSpecificiRiscossione>$tassonomia</pay_i:datiSpecificiRiscossione>
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

/** Chiede ogni secondo finché c'è una risposta; null se il tempo finisce prima. */
function aspetta(callable $chiedi, int $secondi): mixed
{
    $scadenza = time() + $secondi;
    while (($trovato = $chiedi()) === null) {
        if (time() >= $scadenza) {
            return null;
        }
        sleep(1);
    }

    return $trovato;
}

/** Dice un passo a chi guarda, o a un programma con --json. */
function racconta(bool $json, string $passo, array $valori): void
{
    echo $json ? json_encode(['passo' => $passo] + $valori, JSON_UNESCAPED_SLASHES) : "$passo: " . print_r($valori, true), "\n";
    flush();
}

/** Legge le opzioni, apre il portale e racconta la storia; finisce con il suo codice, o con 1 e una frase. */
function esegui(array $opzioni, callable $storia): never
{
    $o = getopt('', ['wsdl:', 'ente:', 'password:', 'attesa:', 'json', ...$opzioni]);
    try {
        $portale = new Portale($o['wsdl'] ?? WSDL, $o['ente'] ?? 'C_PROVA', $o['password'] ?? 'Segreto12345');
        exit($storia($portale, $o, isset($o['json']), (int) ($o['attesa'] ?? 300)));
    } catch (Rifiuto $rifiuto) {
        fwrite(STDERR, 'Rifiutato. ' . $rifiuto->getMessage() . "\n");
    } catch (SoapFault $fault) {
        fwrite(STDERR, 'Il servizio ha risposto con un errore: ' . $fault->getMessage() . "\n");
    }
    exit(1);
}
