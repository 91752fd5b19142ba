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
 * Opzioni: --ente, --password, --iud, --importo, --attesa SECONDI, --json (una riga JSON per ogni passo).
 * Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 */
'use strict';
const crypto = require('node:crypto');
const { setTimeout: pausa } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const soap = require('soap');

const NS_TESTATA = 'http://www.regione.veneto.it/pagamenti/ente/ppthead';
const NS_DOVUTI = 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/';

// Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive.
const NON_ANCORA = ['PAA_PAGAMENTO_NON_INIZIATO', 'PAA_PAGAMENTO_IN_CORSO'];

/** L'hub ha rifiutato: il codice dice che cosa, il testo perché. */
class Rifiuto extends Error {}

function controlla(risposta) {
  const fault = risposta.fault;
  if (fault) throw new Rifiuto(`${fault.faultCode}: ${fault.description || fault.faultString}`);
}

/** L'hub visto dalla mensa: due operazioni del contratto. */
class Portale {
  static async apri(wsdl, ente, password) {
    // Senza limiti di tempo un programma aspetta per sempre.
    const client = await soap.createClientAsync(wsdl, { wsdl_options: { timeout: 30000 } });
    return new Portale(client, ente, password);
  }

  constructor(client, ente, password) {
    Object.assign(this, { client, ente, password });
  }

  /** Invia un documento Dovuti; restituisce idSession e url della pagina a cui si paga. */
  async invia(documento, urlRitorno = '') {
    // codIpaEnte viaggia nella testata SOAP; il suo contenuto è senza namespace, come dice il contratto.
    this.client.clearSoapHeaders();
    this.client.addSoapHeader({ 'h:intestazionePPT': { codIpaEnte: this.ente } }, '', 'h', NS_TESTATA);
    const [risposta] = await this.client.paaSILInviaDovutiAsync({
      password: this.password,
      // Questa libreria non conosce base64Binary: la codifica è nostra.
      dovuti: Buffer.from(documento, 'utf8').toString('base64'),
      enteSILInviaRispostaPagamentoUrl: urlRitorno,
    }, { timeout: 30000 });
    controlla(risposta);
    return risposta;
  }

  /** Restituisce il documento PagatiConRicevuta, o null se non c'è ancora. */
  async chiedi(idSession) {
    this.client.clearSoapHeaders();
    const [risposta] = await this.client.paaSILChiediPagatiConRicevutaAsync({
      codIpaEnte: this.ente, password: this.password, idSession,
    }, { timeout: 30000 });
    if (risposta.fault && NON_ANCORA.includes(risposta.fault.faultCode)) return null;
    controlla(risposta);
    return decodifica(risposta.pagati);
  }
}

/** Protegge un testo che va dentro l'XML. */
function testo(valore) {
  return String(valore).replace(/[&<>]/g, (segno) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[segno]);
}

/** Scrive il documento Dovuti. L'ordine degli elementi conta; quelli senza valore si omettono. */
function documentoDovuti(iud, importo) {
  return `<pay_i:Dovuti xmlns:pay_i="${NS_DOVUTI}">
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
      <pay_i:identificativoUnivocoDovuto>${testo(iud)}</pay_i:identificativoUnivocoDovuto>
      <pay_i:importoSingoloVersamento>${testo(importo)}</pay_i:importoSingoloVersamento>
      <pay_i:identificativoTipoDovuto>MENSA</pay_i:identificativoTipoDovuto>
      <pay_i:causaleVersamento>${testo('Mensa scolastica, è il mese di marzo & aprile')}</pay_i:causaleVersamento>
      <pay_i:datiSpecificiRiscossione>9/0107101TS/</pay_i:datiSpecificiRiscossione>
    </pay_i:datiSingoloVersamento>
  </pay_i:datiVersamento>
</pay_i:Dovuti>`;
}

/** I portali mettono uno o due livelli di base64: si decodifica finché è XML. */
function decodifica(contenuto) {
  for (let giro = 0; giro < 3 && !contenuto.trimStart().startsWith('<'); giro += 1) {
    contenuto = Buffer.from(contenuto, 'base64').toString('utf8');
  }
  return contenuto;
}

/** Legge dal documento quello che serve a chiudere la partita. Un programma vero userebbe un lettore XML. */
function leggiPagato(documento) {
  const campo = (nome) => (documento.match(new RegExp(`<(?:\\w+:)?${nome}>([^<]*)<`)) || ['', ''])[1];
  return {
    esito: campo('codiceEsitoPagamento'), // "0" vuol dire pagato
    importo: campo('importoTotalePagato'),
    iuv: campo('identificativoUnivocoVersamento'),
    iud: campo('identificativoUnivocoDovuto'),
    iur: campo('identificativoUnivocoRiscossione'),
  };
}

/** Dice un passo a chi guarda, o a un programma con --json. */
function racconta(json, passo, valori) {
  console.log(json ? JSON.stringify({ passo, ...valori }) : `${passo}: ${JSON.stringify(valori, null, 2)}`);
}

async function principale() {
  const { values: o } = parseArgs({
    options: {
      wsdl: { type: 'string', default: 'http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl' },
      ente: { type: 'string', default: 'C_PROVA' },
      password: { type: 'string', default: 'Segreto12345' },
      // Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato.
      iud: { type: 'string', default: `NODE-${crypto.randomBytes(10).toString('hex')}` },
      importo: { type: 'string', default: '12.50' }, // sempre due decimali, con il punto
      attesa: { type: 'string', default: '300' },
      json: { type: 'boolean', default: false },
    },
  });
  const portale = await Portale.apri(o.wsdl, o.ente, o.password);
  const sessione = await portale.invia(documentoDovuti(o.iud, o.importo));
  racconta(o.json, 'inviato', { id_session: sessione.idSession, url: sessione.url, iud: o.iud });

  const scadenza = Date.now() + Number(o.attesa) * 1000;
  let documento = await portale.chiedi(sessione.idSession);
  while (documento === null) {
    if (Date.now() >= scadenza) {
      console.error("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
      return 1;
    }
    await pausa(1000);
    documento = await portale.chiedi(sessione.idSession);
  }
  const pagato = leggiPagato(documento);
  racconta(o.json, 'ricevuta', pagato);
  return pagato.esito === '0' ? 0 : 1;
}

principale().then((codice) => { process.exitCode = codice; }, (errore) => {
  console.error(errore instanceof Rifiuto ? `Rifiutato. ${errore.message}` : `Il servizio ha risposto con un errore: ${errore.message}`);
  process.exitCode = 1;
});
