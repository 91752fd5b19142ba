<?php
/** The story of tests/interop/story.py told by PHP's SoapClient: cliente.php WSDL FOLDER STEP..., a line of JSON a step. */
declare(strict_types=1);

const ENTE = 'C_PROVA';
const PASSWORD = 'Segreto12345';
const NOT_YET = ['PAA_PAGAMENTO_NON_INIZIATO', 'PAA_PAGAMENTO_IN_CORSO'];
const TIMEOUT_S = 30;

final class Cliente
{
    private SoapClient $client;
    private string $idSession;
    private string $iuv;
    private string $idCarrello;
    private string $token;

    public function __construct(string $wsdl, private string $folder)
    {
        ini_set('default_socket_timeout', (string) TIMEOUT_S);
        $this->client = new SoapClient($wsdl, [
            'soap_version' => SOAP_1_1,
            'cache_wsdl' => WSDL_CACHE_NONE,
            // Without it a list of one element is an object, a list of two an array.
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        ]);
    }

    public function contratto(): array
    {
        return ['operazioni' => count($this->client->__getFunctions())];
    }

    public function invia(): array
    {
        $answer = $this->inviaDovuti('dovuti.xml');
        $this->idSession = $answer->idSession ?? '';

        return told($answer, 'idSession', 'url');
    }

    public function non_ancora(): array
    {
        return told($this->chiediRicevuta());
    }

    public function pagati(): array
    {
        return pagato(wait(fn () => $this->client->paaSILChiediPagati([
            'codIpaEnte' => ENTE, 'password' => PASSWORD, 'idSession' => $this->idSession,
        ]))->pagati);
    }

    public function ricevuta(): array
    {
        $answer = wait(fn () => $this->chiediRicevuta());

        return pagato($answer->pagati) + ['rt_byte' => strlen($answer->rt)];
    }

    public function rifiuto(): array
    {
        return told($this->inviaDovuti('rifiuto.xml'));
    }

    public function importa(): array
    {
        return told($this->importaDovuto('importa-i.xml'), 'esito');
    }

    public function modifica(): array
    {
        $answer = $this->importaDovuto('importa-m.xml', ['flagGeneraIuv' => true]);
        $this->iuv = $answer->identificativoUnivocoVersamento ?? '';

        return told($answer, 'identificativoUnivocoVersamento', 'urlFileAvviso');
    }

    public function posizioni(): array
    {
        $answer = $this->client->paaSILChiediPosizioniAperte([
            'password' => PASSWORD,
            'codIpaEnte' => ENTE,
            'identificativoUnivocoPersonaFG' => $this->person(),
        ]);

        return told($answer) + ['iud' => iud(array_column($answer->paaSILPosizioniAperte ?? [], 'dovuti'))];
    }

    public function avvisi(): array
    {
        $answer = $this->client->paaSILChiediAvvisiPendenti([
            'password' => PASSWORD, 'codIpaEnte' => ENTE, 'dateFrom' => $this->text('oggi'), 'dateTo' => $this->text('oggi'),
        ]);
        $found = $answer->paaSILAvvisoPendente ?? [];

        return told($answer) + [
            'iud' => iud(array_column($found, 'dovuti')),
            'giorni' => implode(' ', array_column($found, 'dtCreazioneCodIuv')),
        ];
    }

    public function registra(): array
    {
        return told($this->client->paaSILRegistraPagamento([
            'codIpaEnte' => ENTE,
            'password' => PASSWORD,
            'identificativoUnivocoVersamento' =>
                $this->importaDovuto('registra.xml', ['flagGeneraIuv' => true])->identificativoUnivocoVersamento,
            // Text, not float: the contract wants two decimals.
            'singoloImportoPagato' => '40.50',
            'dataEsitoSingoloPagamento' => $this->text('oggi'),
            'indiceDatiSingoloPagamento' => 1,
            'identificativoUnivocoRiscossione' => 'TESORERIA-17',
            'tipoIstitutoAttestante' => 'G',
            'codiceIstitutiAttestante' => 'TESORERIA',
            'denominazioneAttestante' => 'Tesoreria comunale',
        ]), 'esito');
    }

    public function storico(): array
    {
        $answer = $this->client->paaSILChiediStoricoPagamenti([
            'password' => PASSWORD,
            'codIpaEnte' => ENTE,
            'identificativoUnivocoPersonaFG' => $this->person(),
            'dataFrom' => $this->text('oggi') . 'T00:00:00',
        ]);

        return told($answer, 'dateTo') + ['iud' => iud(array_column($answer->paaSILStoricoPagamenti ?? [], 'ctPagatiConRicevuta'))];
    }

    public function verifica(): array
    {
        $fields = ['password' => PASSWORD, 'identificativoUnivocoVersamento' => $this->iuv];

        return told($this->call('paaSILVerificaAvviso', $fields), 'idSession', 'url');
    }

    public function annulla(): array
    {
        return told($this->importaDovuto('importa-a.xml'), 'esito');
    }

    public function carrello(): array
    {
        $elements = array_map(fn (string $ente) => [
            'codIpaEnte' => $ente,
            'password' => $this->text("carrello-$ente.segreto"),
            'dovuti' => $this->text("carrello-$ente.xml"),
        ], explode(' ', $this->text('carrello')));
        $fields = ['password' => PASSWORD, 'listaDovuti' => ['elementoListaDovuti' => $elements]];
        $answer = $this->call('paaSILInviaCarrelloDovuti', $fields);
        $this->idCarrello = $answer->idSessionCarrello ?? '';

        return told($answer, 'idSessionCarrello', 'url');
    }

    public function esito_carrello(): array
    {
        $deadline = time() + TIMEOUT_S;
        do {
            usleep(200_000);
            $answer = $this->client->paaSILChiediEsitoCarrelloDovuti([
                'codIpaEnte' => ENTE, 'password' => PASSWORD, 'idSessionCarrello' => $this->idCarrello,
            ]);
            $entries = $answer->listaCarrelli->rispostaCarrello;
            $paid = array_filter($entries, fn (object $entry) => isset($entry->pagati));
        } while (count($paid) < count($entries) && time() < $deadline);

        return [
            'enti' => implode(' ', array_column($entries, 'codIpaEnte')),
            'iud' => implode(' ', array_map(fn (object $entry) => pagato($entry->pagati)['iud'], $paid)),
        ];
    }

    public function export(): array
    {
        $today = $this->text('oggi');
        $fields = ['password' => PASSWORD, 'dateFrom' => $today, 'dateTo' => $today];
        $answer = $this->call('paaSILPrenotaExportFlusso', $fields);
        $this->token = $answer->requestToken ?? '';

        return told($answer, 'requestToken');
    }

    public function stato_export(): array
    {
        $fields = ['password' => PASSWORD, 'requestToken' => $this->token];

        return told($this->call('paaSILChiediStatoExportFlusso', $fields), 'stato');
    }

    public function incrementale(): array
    {
        return told($this->call('paaSILPrenotaExportFlussoIncrementaleConRicevuta', [
            'password' => PASSWORD, 'dateFrom' => $this->text('oggi') . 'T00:00:00', 'ricevuta' => true, 'incrementale' => true,
        ]), 'requestToken', 'dateTo');
    }

    public function scaduti(): array
    {
        $fields = ['password' => PASSWORD, 'dataScadenza' => $this->text('oggi'), 'tipiDovuto' => 'ZTL'];
        $answer = $this->call('paaSILPrenotaExportFlussoScaduti', $fields);
        $this->token = $answer->requestToken ?? '';

        return told($answer, 'requestToken');
    }

    public function stato_scaduti(): array
    {
        $fields = ['password' => PASSWORD, 'requestToken' => $this->token];

        return told($this->call('paaSILChiediStatoExportFlussoScaduti', $fields), 'stato');
    }

    public function autorizza(): array
    {
        $answer = $this->call('paaSILAutorizzaImportFlusso', ['password' => PASSWORD]);
        $this->token = $answer->requestToken ?? '';

        return told($answer, 'uploadUrl', 'authorizationToken', 'requestToken', 'importPath');
    }

    public function stato_import(): array
    {
        $fields = ['requestToken' => $this->token, 'password' => PASSWORD, 'fileScarti' => true];

        return told($this->call('paaSILChiediStatoImportFlusso', $fields), 'stato');
    }

    private function person(): array
    {
        return ['tipoIdentificativoUnivoco' => 'F', 'codiceIdentificativoUnivoco' => $this->text('pagatore')];
    }

    private function text(string $name): string
    {
        return trim(file_get_contents("$this->folder/$name"));
    }

    /** Call an operation that wants codIpaEnte in the SOAP header. */
    private function call(string $operation, array $fields): object
    {
        $head = new SoapHeader('http://www.regione.veneto.it/pagamenti/ente/ppthead', 'intestazionePPT', ['codIpaEnte' => ENTE]);

        return $this->client->__soapCall($operation, [$fields], null, [$head]);
    }

    private function inviaDovuti(string $name): object
    {
        // SoapClient writes base64Binary by itself.
        return $this->call('paaSILInviaDovuti', [
            'password' => PASSWORD,
            'dovuti' => $this->text($name),
            'enteSILInviaRispostaPagamentoUrl' => $this->text('ritorno'),
            'showMyPay' => 'SHORT',
        ]);
    }

    private function importaDovuto(string $name, array $fields = []): object
    {
        return $this->call('paaSILImportaDovuto', ['password' => PASSWORD, 'dovuto' => $this->text($name)] + $fields);
    }

    private function chiediRicevuta(): object
    {
        return $this->client->paaSILChiediPagatiConRicevuta([
            'codIpaEnte' => ENTE, 'password' => PASSWORD, 'idSession' => $this->idSession,
        ]);
    }
}

/** The fields of an answer by their name on the wire, or why it was refused. */
function told(object $answer, string ...$fields): array
{
    if (isset($answer->fault)) {
        return ['codice' => $answer->fault->faultCode, 'descrizione' => $answer->fault->description];
    }

    return array_combine($fields, array_map(fn (string $name) => $answer->$name, $fields));
}

function wait(callable $ask): object
{
    $deadline = time() + TIMEOUT_S;
    while (isset(($answer = $ask())->fault)) {
        if (!in_array($answer->fault->faultCode, NOT_YET, true) || time() > $deadline) {
            throw new RuntimeException($answer->fault->faultCode . ': ' . $answer->fault->description);
        }
        usleep(200_000);
    }

    return $answer;
}

function field(string $document, string $name): string
{
    // A real program would read it with SimpleXML, which is a package of its own (php-xml).
    return preg_match("/<(?:\\w+:)?$name>([^<]*)</", $document, $found) ? $found[1] : '';
}

/** The IUD of each of some documents. */
function iud(array $documents): string
{
    return implode(' ', array_map(fn (string $document) => field($document, 'identificativoUnivocoDovuto'), $documents));
}

/** Read `pagati`: SoapClient has taken off one level of base64, the document has one more. */
function pagato(string $content): array
{
    $document = base64_decode($content, true);

    return [
        'esito' => field($document, 'codiceEsitoPagamento'),
        'importo' => field($document, 'importoTotalePagato'),
        'iud' => field($document, 'identificativoUnivocoDovuto'),
        'iur' => field($document, 'identificativoUnivocoRiscossione'),
        'causale' => field($document, 'causaleVersamento'),
    ];
}

[, $wsdl, $folder] = $argv;
$cliente = new Cliente($wsdl, $folder);
foreach (array_slice($argv, 3) as $step) {
    try {
        $values = $cliente->$step();
    } catch (Throwable $error) { // a step that fails is told, and the story goes on
        $values = ['errore' => get_class($error) . ': ' . $error->getMessage()];
    }
    echo json_encode(['passo' => $step] + $values, JSON_THROW_ON_ERROR), "\n";
}
