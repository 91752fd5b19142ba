<?php
/**
 * Un programma di mensa scolastica che chiede di essere pagato, con il solo SoapClient di PHP (estensione php-soap).
 *
 * Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché non c'è:
 *
 *     php mensa.php --wsdl='http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl'
 *
 * Opzioni: --ente, --password, --tipo, --tassonomia, --iud, --importo, --attesa=SECONDI, --json (una riga JSON per ogni
 * passo). Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 */
declare(strict_types=1);
require __DIR__ . '/comune.php';

esegui(['iud:', 'importo:', 'tipo:', 'tassonomia:'], function (Portale $portale, array $o, bool $json, int $attesa): int {
    $iud = $o['iud'] ?? 'PHP-' . bin2hex(random_bytes(10));
    $causale = 'Mensa scolastica, è il mese di marzo & aprile';
    [$tipo, $tassonomia] = [$o['tipo'] ?? 'MENSA', $o['tassonomia'] ?? '9/0107101TS/'];
    $sessione = $portale->chiama('paaSILInviaDovuti', [
        'dovuti' => documento_dovuti($iud, $o['importo'] ?? '12.50', $tipo, $tassonomia, $causale),
        // Dove torna il cittadino dopo il pagamento; vuoto: all'indirizzo configurato per l'ente.
        'enteSILInviaRispostaPagamentoUrl' => '',
    ]);
    racconta($json, 'inviato', ['id_session' => $sessione->idSession, 'url' => $sessione->url, 'iud' => $iud]);

    $documento = aspetta(fn () => $portale->chiedi_pagato(['idSession' => $sessione->idSession]), $attesa);
    if ($documento === null) {
        fwrite(STDERR, "Nessuna ricevuta per ora: riprovare più tardi con l'idSession\n");

        return 1;
    }
    $pagato = leggi_pagato($documento);
    racconta($json, 'ricevuta', $pagato);

    return $pagato['esito'] === '0' ? 0 : 1;
});
