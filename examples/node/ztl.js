#!/usr/bin/env node
/*
 * Un programma che vende permessi per le zone a traffico limitato di più comuni, pagati insieme, con la libreria `soap` di npm.
 *
 * Un carrello, un pagamento, più creditori: invia i dovuti con paaSILInviaCarrelloDovuti, mostra l'indirizzo a cui si paga,
 * poi chiede con paaSILChiediEsitoCarrelloDovuti com'è finita per ciascun comune:
 *
 *     npm install
 *     node ztl.js --permesso C_PROVA:12345678903:35.00 --permesso C_VICINO:98765432103:20.00
 *
 * Opzioni: --wsdl, --ente (chi chiama), --password, --password-stazione, --targa, --attesa SECONDI, --json.
 * Esce con 0 se ogni comune è stato pagato.
 */
'use strict';
const crypto = require('node:crypto');
const { aspetta, decodifica, documentoDovuti, esegui, inBase64, leggiPagato, racconta } = require('./comune');

// Prima che l'automobilista confermi, e mentre paga; tutti gli altri stati sono definitivi.
const IN_CORSO = ['PREDISPOSTO', 'PAGAMENTO IN CORSO'];

const OPZIONI = {
  permesso: { type: 'string', multiple: true, default: [] },
  targa: { type: 'string', default: 'AB123CD' },
  'password-stazione': { type: 'string', default: 'password01' },
};

/**
 * Mostra che chi gestisce l'hub ci lascia incassare per quel comune: la password della stazione la dà a chi conosce, e nessun
 * comune impara quella di un altro.
 */
function provaElemento(passwordStazione, codiceFiscaleEnte) {
  const frase = `paaSILInviaCarrelloDovuti-${passwordStazione}-${codiceFiscaleEnte}`;
  return crypto.createHash('sha256').update(frase, 'utf8').digest('hex');
}

esegui(OPZIONI, async (portale, o) => {
  const elementi = o.permesso.map((permesso) => {
    const [ente, codiceFiscale, importo] = permesso.split(':');
    const iud = `NODE-${crypto.randomBytes(10).toString('hex')}`;
    const causale = `Permesso ZTL, targa ${o.targa}`;
    return {
      codIpaEnte: ente,
      password: provaElemento(o['password-stazione'], codiceFiscale),
      dovuti: inBase64(documentoDovuti({ iud, importo, tipo: 'ZTL', tassonomia: '9/0105115AP/', causale })),
    };
  });
  const carrello = await portale.chiama('paaSILInviaCarrelloDovuti', {
    listaDovuti: { elementoListaDovuti: elementi },
    enteSILInviaRispostaPagamentoUrl: '',
  });
  racconta(o.json, 'inviato', { id_session: carrello.idSessionCarrello, url: carrello.url });

  const esiti = await aspetta(async () => {
    const trovati = await portale.chiediCarrello(carrello.idSessionCarrello);
    return trovati.some((uno) => IN_CORSO.includes(uno.esito)) ? null : trovati;
  }, Number(o.attesa));
  if (esiti === null) {
    console.error("Nessun esito per ora: riprovare più tardi con l'idSession");
    return 1;
  }
  const pagati = esiti.map((uno) => {
    const pagato = uno.pagati ? leggiPagato(decodifica(uno.pagati)) : {};
    racconta(o.json, 'esito', { ente: uno.codIpaEnte, stato: uno.esito, ...pagato });
    return pagato.esito === '0';
  });
  return pagati.length === elementi.length && pagati.every(Boolean) ? 0 : 1;
});
