<?php
/**
 * Un programma che vende permessi per le zone a traffico limitato di più comuni, pagati insieme, con il solo SoapClient di
 * PHP (estensione php-soap).
 *
 * Un carrello, un pagamento, più creditori: invia i dovuti con paaSILInviaCarrelloDovuti, mostra l'indirizzo a cui si paga,
 * poi chiede con paaSILChiediEsitoCarrelloDovuti com'è finita per ciascun comune:
 *
 *     php ztl.php --permesso=C_PROVA:12345678903:35.00 --permesso=C_VICINO:98765432103:20.00
 *
 * Opzioni: --wsdl, --ente (chi chiama), --password, --password-stazione, --targa, --attesa=SECONDI, --json.
 * Esce con 0 se ogni comune è stato pagato.
 */
declare(strict_types=1);
require __DIR__ . '/comune.php';

// Prima che l'automobilista confermi, e mentre paga; tutti gli altri stati sono definitivi.
const IN_CORSO = ['PREDISPOSTO', 'PAGAMENTO IN CORSO'];

/**
 * Mostra che chi gestisce l'hub ci lascia incassare per quel comune: la password della stazione la dà a chi conosce, e nessun
 * comune impara quella di un altro.
 */
function prova_elemento(string $passwordStazione, string $codiceFiscaleEnte): string
{
    return hash('sha256', "paaSILInviaCarrelloDovuti-$passwordStazione-$codiceFiscaleEnte");
}

esegui(['permesso:', 'targa:', 'password-stazione:'], function (Portale $portale, array $o, bool $json, int $attesa): int {
    $elementi = [];
    foreach ((array) ($o['permesso'] ?? []) as $permesso) {
        [$ente, $codiceFiscale, $importo] = explode(':', $permesso) + ['', '', ''];
        $causale = 'Permesso ZTL, targa ' . ($o['targa'] ?? 'AB123CD');
        $iud = 'PHP-' . bin2hex(random_bytes(10));
        $elementi[] = [
            'codIpaEnte' => $ente,
            'password' => prova_elemento($o['password-stazione'] ?? 'password01', $codiceFiscale),
            'dovuti' => documento_dovuti($iud, $importo, 'ZTL', '9/0105115AP/', $causale),
        ];
    }
    $carrello = $portale->chiama('paaSILInviaCarrelloDovuti', [
        'listaDovuti' => ['elementoListaDovuti' => $elementi],
        'enteSILInviaRispostaPagamentoUrl' => '',
    ]);
    racconta($json, 'inviato', ['id_session' => $carrello->idSessionCarrello, 'url' => $carrello->url]);

    $esiti = aspetta(function () use ($portale, $carrello): ?array {
        $trovati = $portale->chiedi_carrello($carrello->idSessionCarrello);
        $stati = array_map(fn (object $uno): string => $uno->esito, $trovati);

        return array_intersect($stati, IN_CORSO) ? null : $trovati;
    }, $attesa);
    if ($esiti === null) {
        fwrite(STDERR, "Nessun esito per ora: riprovare più tardi con l'idSession\n");

        return 1;
    }
    $pagati = 0;
    foreach ($esiti as $uno) {
        $pagato = isset($uno->pagati) ? leggi_pagato(decodifica($uno->pagati)) : [];
        racconta($json, 'esito', ['ente' => $uno->codIpaEnte, 'stato' => $uno->esito] + $pagato);
        $pagati += ($pagato['esito'] ?? '') === '0' ? 1 : 0;
    }

    return $pagati === count($elementi) ? 0 : 1;
});
