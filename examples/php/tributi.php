<?php
/**
 * Un ufficio tributi che stampa avvisi, con il solo SoapClient di PHP (estensione php-soap).
 *
 * Registra un dovuto con paaSILImportaDovuto e si fa dare il numero dell'avviso, ne prende il PDF, poi chiede la ricevuta
 * con paaSILChiediPagatiConRicevuta finché qualcuno non lo ha pagato, dovunque sia:
 *
 *     php tributi.php --wsdl='http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl' --pdf=avviso.pdf
 *
 * Opzioni: --ente, --password, --iud, --importo, --pdf=FILE, --attesa=SECONDI, --json (una riga JSON per ogni passo).
 * Esce con 0 se l'avviso è pagato, con 1 se è rifiutato o non pagato.
 */
declare(strict_types=1);
require __DIR__ . '/comune.php';

/** Scrive il documento Versamento. L'azione è l'ultimo elemento: I inserisce, M modifica, A annulla, S ristampa. */
function documento_versamento(string $iud, string $importo, string $scadenza, string $azione = 'I'): string
{
    $ns = NS_DOVUTI;
    [$iud, $importo, $causale] = array_map('testo', [$iud, $importo, 'Tassa rifiuti, prima rata']);

    return <<<XML
        <pay_i:Versamento xmlns:pay_i="$ns">
          <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
          <pay_i:soggettoPagatore>
            <pay_i:identificativoUnivocoPagatore>
              <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
              <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
            </pay_i:identificativoUnivocoPagatore>
            <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
          </pay_i:soggettoPagatore>
          <pay_i:datiVersamento>
            <pay_i:dataEsecuzionePagamento>$scadenza</pay_i:dataEsecuzionePagamento>
            <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
            <pay_i:identificativoUnivocoDovuto>$iud</pay_i:identificativoUnivocoDovuto>
            <pay_i:importoSingoloVersamento>$importo</pay_i:importoSingoloVersamento>
            <pay_i:identificativoTipoDovuto>TARI</pay_i:identificativoTipoDovuto>
            <pay_i:causaleVersamento>$causale</pay_i:causaleVersamento>
            <pay_i:datiSpecificiRiscossione>9/0101101IM/</pay_i:datiSpecificiRiscossione>
          </pay_i:datiVersamento>
          <pay_i:azione>$azione</pay_i:azione>
        </pay_i:Versamento>
        XML;
}

esegui(['iud:', 'importo:', 'pdf:'], function (Portale $portale, array $o, bool $json, int $attesa): int {
    $iud = $o['iud'] ?? 'PHP-' . bin2hex(random_bytes(10));
    $scadenza = date('Y-m-d', strtotime('+60 days'));
    $risposta = $portale->chiama('paaSILImportaDovuto', [
        'dovuto' => documento_versamento($iud, $o['importo'] ?? '84.30', $scadenza),
        'flagGeneraIuv' => true,
    ]);
    $iuv = $risposta->identificativoUnivocoVersamento;
    $pdf = file_get_contents($risposta->urlFileAvviso, false, stream_context_create(['http' => ['timeout' => 30]]));
    if (isset($o['pdf'])) {
        file_put_contents($o['pdf'], $pdf);
    }
    // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
    racconta($json, 'avviso', ['iud' => $iud, 'iuv' => $iuv, 'numero' => "3$iuv", 'pdf_byte' => strlen((string) $pdf)]);

    $documento = aspetta(fn () => $portale->chiedi_pagato(['identificativoUnivocoVersamento' => $iuv]), $attesa);
    if ($documento === null) {
        fwrite(STDERR, "Nessuna ricevuta per ora: riprovare più tardi con lo IUV\n");

        return 1;
    }
    $pagato = leggi_pagato($documento);
    racconta($json, 'ricevuta', $pagato);

    return $pagato['esito'] === '0' ? 0 : 1;
});
