#!/usr/bin/env node
/*
 * Un ufficio tributi che stampa avvisi, con la libreria `soap` di npm.
 *
 * Registra un dovuto con paaSILImportaDovuto e si fa dare il numero dell'avviso, ne prende il PDF, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché qualcuno non lo ha pagato, dovunque sia:
 *
 *     npm install
 *     node tributi.js --wsdl 'http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl' --pdf avviso.pdf
 *
 * Opzioni: --ente, --password, --iud, --importo, --pdf FILE, --attesa SECONDI, --json (una riga JSON per ogni passo).
 * Esce con 0 se l'avviso è pagato, con 1 se è rifiutato o non pagato.
 */
'use strict';
const crypto = require('node:crypto');
const { writeFile } = require('node:fs/promises');
const { NS_DOVUTI, aspetta, esegui, inBase64, leggiPagato, racconta, testo } = require('./comune');

const OPZIONI = {
  iud: { type: 'string', default: `NODE-${crypto.randomBytes(10).toString('hex')}` },
  importo: { type: 'string', default: '84.30' },
  pdf: { type: 'string' },
};

/** Scrive il documento Versamento. L'azione è l'ultimo elemento: I inserisce, M modifica, A annulla, S ristampa. */
function documentoVersamento(iud, importo, scadenza, azione = 'I') {
  return `<pay_i:Versamento xmlns:pay_i="${NS_DOVUTI}">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
  <pay_i:soggettoPagatore>
    <pay_i:identificativoUnivocoPagatore>
      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
      <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
    </pay_i:identificativoUnivocoPagatore>
    <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
  </pay_i:soggettoPagatore>
  <pay_i:datiVersamento>
    <pay_i:dataEsecuzionePagamento>${scadenza}</pay_i:dataEsecuzionePagamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
    <pay_i:identificativoUnivocoDovuto>${testo(iud)}</pay_i:identificativoUnivocoDovuto>
    <pay_i:importoSingoloVersamento>${testo(importo)}</pay_i:importoSingoloVersamento>
    <pay_i:identificativoTipoDovuto>TARI</pay_i:identificativoTipoDovuto>
    <pay_i:causaleVersamento>Tassa rifiuti, prima rata</pay_i:causaleVersamento>
    <pay_i:datiSpecificiRiscossione>9/0101101IM/</pay_i:datiSpecificiRiscossione>
  </pay_i:datiVersamento>
  <pay_i:azione>${azione}</pay_i:azione>
</pay_i:Versamento>`;
}

esegui(OPZIONI, async (portale, o) => {
  const scadenza = new Date(Date.now() + 60 * 24 * 3600 * 1000).toISOString().slice(0, 10);
  const risposta = await portale.chiama('paaSILImportaDovuto', {
    dovuto: inBase64(documentoVersamento(o.iud, o.importo, scadenza)),
    flagGeneraIuv: true,
  });
  const iuv = risposta.identificativoUnivocoVersamento;
  const scaricato = await fetch(risposta.urlFileAvviso, { signal: AbortSignal.timeout(30000) });
  const pdf = Buffer.from(await scaricato.arrayBuffer());
  if (o.pdf) await writeFile(o.pdf, pdf);
  // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
  racconta(o.json, 'avviso', { iud: o.iud, iuv, numero: `3${iuv}`, pdf_byte: pdf.length });

  const chiave = { identificativoUnivocoVersamento: iuv };
  const documento = await aspetta(() => portale.chiediPagato(chiave), Number(o.attesa));
  if (documento === null) {
    console.error('Nessuna ricevuta per ora: riprovare più tardi con lo IUV');
    return 1;
  }
  const pagato = leggiPagato(documento);
  racconta(o.json, 'ricevuta', pagato);
  return pagato.esito === '0' ? 0 : 1;
});
