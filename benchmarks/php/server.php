<?php
// paaSILInviaDovuti by PHP's SoapServer, written as such a service is usually written: the contract's WSDL (cached by the
// extension), the document checked with its XSD, the password compared, IUDs looked up, one durable insert, a connection kept.
// Environment: BENCH_DSN, BENCH_USER, BENCH_WSDL, BENCH_XSD.
declare(strict_types=1);

const PAY_I = 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/';

class Servizio
{
    private string $ente = '';

    public function intestazionePPT(object $testata): void
    {
        $this->ente = (string) $testata->codIpaEnte;
    }

    public function paaSILInviaDovuti(object $richiesta): array
    {
        if ($this->ente !== 'C_PROVA' || !hash_equals('Segreto12345', (string) $richiesta->password)) {
            return $this->refused('PAA_ENTE_NON_VALIDO');
        }
        // The extension has decoded the base64.
        $documento = new DOMDocument();
        if (!$documento->loadXML($richiesta->dovuti, LIBXML_NONET) || !$documento->schemaValidate(getenv('BENCH_XSD'))) {
            return $this->refused('PAA_XML_NON_VALIDO');
        }
        $iud = [];
        foreach ($documento->getElementsByTagNameNS(PAY_I, 'datiSingoloVersamento') as $singolo) {
            $iud[] = texts($singolo)['identificativoUnivocoDovuto'];
        }
        texts($documento->getElementsByTagNameNS(PAY_I, 'soggettoPagatore')->item(0));
        $id = uuid();
        keep($id, $this->ente, $iud, (string) ($richiesta->enteSILInviaRispostaPagamentoUrl ?? ''), $richiesta->dovuti);
        return ['esito' => 'OK', 'idSession' => $id, 'redirect' => 1, 'url' => "http://127.0.0.1/paga/$id"];
    }

    private function refused(string $code): array
    {
        return ['fault' => ['faultCode' => $code, 'faultString' => $code, 'id' => $this->ente], 'esito' => 'KO'];
    }
}

function texts(DOMElement $element): array
{
    $found = [];
    for ($child = $element->firstChild; $child !== null; $child = $child->nextSibling) {
        if ($child->nodeType === XML_ELEMENT_NODE) {
            $found[$child->localName] = $child->textContent;
        }
    }
    return $found;
}

function uuid(): string
{
    $hex = bin2hex(random_bytes(16));
    return sprintf('%s-%s-4%s-a%s-%s', substr($hex, 0, 8), substr($hex, 8, 4), substr($hex, 13, 3), substr($hex, 17, 3), substr($hex, 20));
}

function database(): PDO
{
    // Persistent: the connection outlives the request, as does what was set on it.
    $pdo = new PDO(getenv('BENCH_DSN'), getenv('BENCH_USER') ?: null, null, [
        PDO::ATTR_PERSISTENT => true, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 30,
    ]);
    if ($pdo->getAttribute(PDO::ATTR_DRIVER_NAME) === 'sqlite') {
        $pdo->exec('PRAGMA synchronous=FULL');
    }
    return $pdo;
}

function keep(string $id, string $ente, array $iud, string $url, string $documento): void
{
    $pdo = database();
    $marks = implode(',', array_fill(0, count($iud), '?'));
    $taken = $pdo->prepare("SELECT iud FROM php_dovuti WHERE ente = ? AND iud IN ($marks)");
    $taken->execute([$ente, ...$iud]);
    if ($taken->fetch() !== false) {
        throw new SoapFault('Server', 'iud');
    }
    $now = time();
    $insert = $pdo->prepare('INSERT INTO php_sessioni VALUES (?,?,?,?,?,?,?,?)');
    foreach ([$id, $ente, 'NUOVO_CARRELLO', $url] as $index => $value) {
        $insert->bindValue($index + 1, $value);
    }
    $insert->bindValue(5, $documento, PDO::PARAM_LOB);
    $insert->bindValue(6, gmdate('Y-m-d\TH:i:s\Z', $now));
    $insert->bindValue(7, gmdate('Y-m-d\TH:i:s\Z', $now + 3600));
    $insert->bindValue(8, bin2hex(random_bytes(16)));
    $insert->execute();
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    // The first look makes the tables.
    $pdo = database();
    $isSqlite = $pdo->getAttribute(PDO::ATTR_DRIVER_NAME) === 'sqlite';
    if ($isSqlite) {
        $pdo->exec('PRAGMA journal_mode=WAL');
    }
    [$blob, $instant] = $isSqlite ? ['blob', 'text'] : ['bytea', 'timestamptz'];
    $pdo->exec("CREATE TABLE IF NOT EXISTS php_sessioni (id_session varchar(36) PRIMARY KEY, ente varchar(35), stato varchar(40), "
        . "url_esito varchar(2048), documento $blob, created_at $instant, expires_at $instant, correlation_id varchar(64))");
    $pdo->exec('CREATE TABLE IF NOT EXISTS php_dovuti (ente varchar(35), iud varchar(35), PRIMARY KEY (ente, iud))');
    exit;
}
$server = new SoapServer(getenv('BENCH_WSDL'), ['cache_wsdl' => WSDL_CACHE_BOTH, 'soap_version' => SOAP_1_1]);
$server->setClass(Servizio::class);
$server->handle();
