/*
 * Ciò che i programmi d'esempio hanno in comune: il portale visto da fuori, con la libreria `soap` di npm. mensa.js,
 * tributi.js, tributi_flusso.js e ztl.js raccontano ciascuno la sua storia.
 */
'use strict';
const { setTimeout: pausa } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const soap = require('soap');

const NS_TESTATA = 'http://www.regione.veneto.it/pagamenti/ente/ppthead';
const NS_DOVUTI = 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/';

// Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive.
const NON_ANCORA = ['PAA_PAGAMENTO_NON_INIZIATO', 'PAA_PAGAMENTO_IN_CORSO'];

// Senza limiti di tempo un programma aspetta per sempre.
const ATTESA_RISPOSTA = { timeout: 30000 };

/** L'hub ha rifiutato: il codice dice che cosa, il testo perché. */
class Rifiuto extends Error {}

function controlla(risposta) {
  const fault = risposta.fault;
  if (fault) throw new Rifiuto(`${fault.faultCode}: ${fault.description || fault.faultString}`);
  return risposta;
}

/** L'hub, chiamato per conto di un ente. */
class Portale {
  static async apri(wsdl, ente, password) {
    const client = await soap.createClientAsync(wsdl, { wsdl_options: ATTESA_RISPOSTA });
    return new Portale(client, ente, password);
  }

  constructor(client, ente, password) {
    Object.assign(this, { client, ente, password });
  }

  /** Chiama un'operazione in cui l'ente sta nella testata SOAP; i documenti vanno già in base64. */
  async chiama(operazione, campi) {
    return this.chiamaConTestata(operazione, { password: this.password, ...campi });
  }

  /** Chiede a che punto è un flusso. La libreria scrive i campi nell'ordine dato: qui la password è il secondo. */
  async chiediFlusso(requestToken) {
    const file = { fileScarti: true, fileIUV: true, fileAvvisi: true };
    return this.chiamaConTestata('paaSILChiediStatoImportFlusso', { requestToken, password: this.password, ...file });
  }

  async chiamaConTestata(operazione, campi) {
    // Il contenuto della testata è senza namespace, come dice il contratto.
    this.client.clearSoapHeaders();
    this.client.addSoapHeader({ 'h:intestazionePPT': { codIpaEnte: this.ente } }, '', 'h', NS_TESTATA);
    const [risposta] = await this.client[`${operazione}Async`](campi, ATTESA_RISPOSTA);
    return controlla(risposta);
  }

  /** Chiede la ricevuta, per idSession o per IUV; null se non c'è ancora. */
  async chiediPagato(chiave) {
    this.client.clearSoapHeaders();
    const campi = { codIpaEnte: this.ente, password: this.password, ...chiave };
    const [risposta] = await this.client.paaSILChiediPagatiConRicevutaAsync(campi, ATTESA_RISPOSTA);
    if (risposta.fault && NON_ANCORA.includes(risposta.fault.faultCode)) return null;
    return decodifica(controlla(risposta).pagati);
  }

  /** Chiede com'è finito un carrello: una risposta per ente. */
  async chiediCarrello(idSession) {
    this.client.clearSoapHeaders();
    const campi = { codIpaEnte: this.ente, password: this.password, idSessionCarrello: idSession };
    const [risposta] = await this.client.paaSILChiediEsitoCarrelloDovutiAsync(campi, ATTESA_RISPOSTA);
    // Una lista di un solo elemento arriva come l'elemento.
    return [controlla(risposta).listaCarrelli.rispostaCarrello].flat();
  }
}

/** Questa libreria non conosce base64Binary: la codifica è nostra. */
function inBase64(documento) {
  return Buffer.from(documento, 'utf8').toString('base64');
}

/** Protegge un testo che va dentro l'XML. */
function testo(valore) {
  return String(valore).replace(/[&<>]/g, (segno) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[segno]);
}

/**
 * Scrive il documento Dovuti di un dovuto solo. L'ordine degli elementi conta; quelli senza valore si omettono.
 *
 * Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due decimali, con il
 * punto.
 */
function documentoDovuti({ iud, importo, tipo, tassonomia, causale }) {
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
      <pay_i:identificativoTipoDovuto>${testo(tipo)}</pay_i:identificativoTipoDovuto>
      <pay_i:causaleVersamento>${testo(causale)}</pay_i:causaleVersamento>
      <pay_i:datiSpecificiRiscossione>${testo(tassonomia)}</pay_i:datiSpecificiRiscossione>
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

/** Chiede ogni secondo finché c'è una risposta; null se il tempo finisce prima. */
async function aspetta(chiedi, secondi) {
  const scadenza = Date.now() + secondi * 1000;
  for (;;) {
    const trovato = await chiedi();
    if (trovato !== null || Date.now() >= scadenza) return trovato;
    await pausa(1000);
  }
}

/** Dice un passo a chi guarda, o a un programma con --json. */
function racconta(json, passo, valori) {
  console.log(json ? JSON.stringify({ passo, ...valori }) : `${passo}: ${JSON.stringify(valori, null, 2)}`);
}

/** Legge le opzioni, apre il portale e racconta la storia; finisce con il suo codice, o con 1 e una frase. */
function esegui(opzioni, storia) {
  const { values: o } = parseArgs({
    options: {
      wsdl: { type: 'string', default: 'http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl' },
      ente: { type: 'string', default: 'C_PROVA' },
      password: { type: 'string', default: 'Segreto12345' },
      attesa: { type: 'string', default: '300' },
      json: { type: 'boolean', default: false },
      ...opzioni,
    },
  });
  Portale.apri(o.wsdl, o.ente, o.password).then((portale) => storia(portale, o)).then(
    (codice) => { process.exitCode = codice; },
    (errore) => {
      const frase = errore instanceof Rifiuto ? 'Rifiutato.' : 'Il servizio ha risposto con un errore:';
      console.error(`${frase} ${errore.message}`);
      process.exitCode = 1;
    },
  );
}

module.exports = {
  NS_DOVUTI, Rifiuto, aspetta, decodifica, documentoDovuti, esegui, inBase64, leggiPagato, racconta, testo,
};
