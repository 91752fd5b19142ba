#!/usr/bin/env node
/*
 * Un programma di mensa scolastica che chiede di essere pagato, con la libreria `soap` di npm.
 *
 * Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché non c'è:
 *
 *     npm install
 *     node mensa.js --wsdl 'http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl'
 *
 * Opzioni: --ente, --password, --tipo, --tassonomia, --iud, --importo, --attesa SECONDI, --json (una riga JSON per ogni
 * passo). Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 */
'use strict';
const crypto = require('node:crypto');
const { aspetta, documentoDovuti, esegui, inBase64, leggiPagato, racconta } = require('./comune');

const OPZIONI = {
  iud: { type: 'string', default: `NODE-${crypto.randomBytes(10).toString('hex')}` },
  importo: { type: 'string', default: '12.50' },
  tipo: { type: 'string', default: 'MENSA' },
  tassonomia: { type: 'string', default: '9/0107101TS/' },
};

esegui(OPZIONI, async (portale, o) => {
  const causale = 'Mensa scolastica, è il mese di marzo & aprile';
  const dovuto = { iud: o.iud, importo: o.importo, tipo: o.tipo, tassonomia: o.tassonomia, causale };
  const sessione = await portale.chiama('paaSILInviaDovuti', {
    dovuti: inBase64(documentoDovuti(dovuto)),
    // Dove torna il cittadino dopo il pagamento; vuoto: all'indirizzo configurato per l'ente.
    enteSILInviaRispostaPagamentoUrl: '',
  });
  racconta(o.json, 'inviato', { id_session: sessione.idSession, url: sessione.url, iud: o.iud });

  const documento = await aspetta(() => portale.chiediPagato({ idSession: sessione.idSession }), Number(o.attesa));
  if (documento === null) {
    console.error("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
    return 1;
  }
  const pagato = leggiPagato(documento);
  racconta(o.json, 'ricevuta', pagato);
  return pagato.esito === '0' ? 0 : 1;
});
