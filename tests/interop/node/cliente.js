/* The story of tests/interop/story.py told by npm's soap: cliente.js WSDL FOLDER STEP..., one line of JSON for each step. */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: pause } = require('node:timers/promises');
const soap = require('soap');

const ENTE = 'C_PROVA';
const PASSWORD = 'Segreto12345';
const NS_HEAD = 'http://www.regione.veneto.it/pagamenti/ente/ppthead';
const NOT_YET = ['PAA_PAGAMENTO_NON_INIZIATO', 'PAA_PAGAMENTO_IN_CORSO'];
const TIMEOUT_MS = 30000;

class Cliente {
  static async open(wsdl, folder) {
    return new Cliente(await soap.createClientAsync(wsdl, { wsdl_options: { timeout: TIMEOUT_MS } }), folder);
  }

  constructor(client, folder) {
    Object.assign(this, { client, folder });
  }

  text(name) {
    return fs.readFileSync(path.join(this.folder, name), 'utf8').trim();
  }

  // This library does not know base64Binary: the encoding is ours, on the way in and on the way out.
  base64(name) {
    return Buffer.from(this.text(name), 'utf8').toString('base64');
  }

  // An operation that wants codIpaEnte in the SOAP header; its child is in no namespace, as the contract says.
  async callWithHead(operation, fields) {
    this.client.clearSoapHeaders();
    this.client.addSoapHeader({ 'h:intestazionePPT': { codIpaEnte: ENTE } }, '', 'h', NS_HEAD);
    return this.call(operation, fields, true);
  }

  async call(operation, fields, keepHead = false) {
    if (!keepHead) this.client.clearSoapHeaders();
    const [answer] = await this.client[`${operation}Async`]({ ...fields }, { timeout: TIMEOUT_MS });
    return answer;
  }

  async contratto() {
    const [[, ports]] = Object.entries(this.client.describe());
    const [[, operations]] = Object.entries(ports);
    return { operazioni: Object.keys(operations).length };
  }

  async invia() {
    const answer = await this.inviaDovuti('dovuti.xml');
    this.idSession = answer.idSession;
    return told(answer, 'idSession', 'url');
  }

  async non_ancora() {
    return told(await this.chiedi('paaSILChiediPagatiConRicevuta'));
  }

  async pagati() {
    return pagato((await wait(() => this.chiedi('paaSILChiediPagati'))).pagati);
  }

  async ricevuta() {
    const answer = await wait(() => this.chiedi('paaSILChiediPagatiConRicevuta'));
    return { ...pagato(answer.pagati), rt_byte: Buffer.from(answer.rt, 'base64').length };
  }

  async rifiuto() {
    return told(await this.inviaDovuti('rifiuto.xml'));
  }

  async importa() {
    return told(await this.importaDovuto('importa-i.xml'), 'esito');
  }

  async modifica() {
    const answer = await this.importaDovuto('importa-m.xml', { flagGeneraIuv: true });
    this.iuv = answer.identificativoUnivocoVersamento;
    return told(answer, 'identificativoUnivocoVersamento', 'urlFileAvviso');
  }

  async posizioni() {
    const answer = await this.call('paaSILChiediPosizioniAperte', {
      password: PASSWORD,
      codIpaEnte: ENTE,
      identificativoUnivocoPersonaFG: this.person(),
    });
    return { ...told(answer), iud: iud(answer.paaSILPosizioniAperte, 'dovuti') };
  }

  async avvisi() {
    const today = this.text('oggi');
    const fields = { password: PASSWORD, codIpaEnte: ENTE, dateFrom: today, dateTo: today };
    const answer = await this.call('paaSILChiediAvvisiPendenti', fields);
    // xsd:date comes back as a Date at midnight of UTC.
    const days = (answer.paaSILAvvisoPendente || []).map((each) => each.dtCreazioneCodIuv.toISOString().slice(0, 10));
    return { ...told(answer), iud: iud(answer.paaSILAvvisoPendente, 'dovuti'), giorni: days.join(' ') };
  }

  async registra() {
    const imported = await this.importaDovuto('registra.xml', { flagGeneraIuv: true });
    return told(await this.call('paaSILRegistraPagamento', {
      codIpaEnte: ENTE,
      password: PASSWORD,
      identificativoUnivocoVersamento: imported.identificativoUnivocoVersamento,
      singoloImportoPagato: '40.50', // text, not a number: the contract wants two decimals
      dataEsitoSingoloPagamento: this.text('oggi'),
      indiceDatiSingoloPagamento: 1,
      identificativoUnivocoRiscossione: 'TESORERIA-17',
      tipoIstitutoAttestante: 'G',
      codiceIstitutiAttestante: 'TESORERIA',
      denominazioneAttestante: 'Tesoreria comunale',
    }), 'esito');
  }

  async storico() {
    const answer = await this.call('paaSILChiediStoricoPagamenti', {
      password: PASSWORD,
      codIpaEnte: ENTE,
      identificativoUnivocoPersonaFG: this.person(),
      dataFrom: `${this.text('oggi')}T00:00:00`,
    });
    return { ...told(answer, 'dateTo'), iud: iud(answer.paaSILStoricoPagamenti, 'ctPagatiConRicevuta') };
  }

  async verifica() {
    const fields = { password: PASSWORD, identificativoUnivocoVersamento: this.iuv };
    return told(await this.callWithHead('paaSILVerificaAvviso', fields), 'idSession', 'url');
  }

  async annulla() {
    return told(await this.importaDovuto('importa-a.xml'), 'esito');
  }

  async carrello() {
    const elementoListaDovuti = this.text('carrello').split(' ').map((ente) => ({
      codIpaEnte: ente,
      password: this.text(`carrello-${ente}.segreto`),
      dovuti: this.base64(`carrello-${ente}.xml`),
    }));
    const answer = await this.callWithHead('paaSILInviaCarrelloDovuti', {
      password: PASSWORD, listaDovuti: { elementoListaDovuti },
    });
    this.idCarrello = answer.idSessionCarrello;
    return told(answer, 'idSessionCarrello', 'url');
  }

  async esito_carrello() {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const answer = await this.call('paaSILChiediEsitoCarrelloDovuti', {
        codIpaEnte: ENTE, password: PASSWORD, idSessionCarrello: this.idCarrello,
      });
      const entries = answer.listaCarrelli.rispostaCarrello;
      if (entries.every((entry) => entry.pagati) || Date.now() > deadline) {
        return {
          enti: entries.map((entry) => entry.codIpaEnte).join(' '),
          iud: entries.map((entry) => pagato(entry.pagati).iud).join(' '),
        };
      }
      await pause(200);
    }
  }

  async export() {
    const today = this.text('oggi');
    const fields = { password: PASSWORD, dateFrom: today, dateTo: today };
    const answer = await this.callWithHead('paaSILPrenotaExportFlusso', fields);
    this.token = answer.requestToken;
    return told(answer, 'requestToken');
  }

  async stato_export() {
    const fields = { password: PASSWORD, requestToken: this.token };
    return told(await this.callWithHead('paaSILChiediStatoExportFlusso', fields), 'stato');
  }

  async incrementale() {
    const fields = { password: PASSWORD, dateFrom: `${this.text('oggi')}T00:00:00`, ricevuta: true, incrementale: true };
    const answer = await this.callWithHead('paaSILPrenotaExportFlussoIncrementaleConRicevuta', fields);
    return told(answer, 'requestToken', 'dateTo');
  }

  async scaduti() {
    const fields = { password: PASSWORD, dataScadenza: this.text('oggi'), tipiDovuto: 'ZTL' };
    const answer = await this.callWithHead('paaSILPrenotaExportFlussoScaduti', fields);
    this.token = answer.requestToken;
    return told(answer, 'requestToken');
  }

  async stato_scaduti() {
    const fields = { password: PASSWORD, requestToken: this.token };
    return told(await this.callWithHead('paaSILChiediStatoExportFlussoScaduti', fields), 'stato');
  }

  async autorizza() {
    const answer = await this.callWithHead('paaSILAutorizzaImportFlusso', { password: PASSWORD });
    this.token = answer.requestToken;
    return told(answer, 'uploadUrl', 'authorizationToken', 'requestToken', 'importPath');
  }

  async stato_import() {
    const fields = { requestToken: this.token, password: PASSWORD, fileScarti: true };
    return told(await this.callWithHead('paaSILChiediStatoImportFlusso', fields), 'stato');
  }

  person() {
    return { tipoIdentificativoUnivoco: 'F', codiceIdentificativoUnivoco: this.text('pagatore') };
  }

  inviaDovuti(name) {
    return this.callWithHead('paaSILInviaDovuti', {
      password: PASSWORD,
      dovuti: this.base64(name),
      enteSILInviaRispostaPagamentoUrl: this.text('ritorno'),
      showMyPay: 'SHORT',
    });
  }

  importaDovuto(name, fields = {}) {
    return this.callWithHead('paaSILImportaDovuto', { password: PASSWORD, dovuto: this.base64(name), ...fields });
  }

  chiedi(operation) {
    return this.call(operation, { codIpaEnte: ENTE, password: PASSWORD, idSession: this.idSession });
  }
}

// The fields of an answer by their name on the wire, or why it was refused.
function told(answer, ...fields) {
  if (answer.fault) return { codice: answer.fault.faultCode, descrizione: answer.fault.description };
  return Object.fromEntries(fields.map((name) => [name, answer[name]]));
}

async function wait(ask) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (!answer.fault) return answer;
    if (!NOT_YET.includes(answer.fault.faultCode) || Date.now() > deadline) {
      throw new Error(`${answer.fault.faultCode}: ${answer.fault.description}`);
    }
    await pause(200);
  }
}

function decode(content, levels) {
  return levels ? decode(Buffer.from(content, 'base64').toString('utf8'), levels - 1) : content;
}

function field(document, name) {
  return (document.match(new RegExp(`<(?:\\w+:)?${name}>([^<]*)<`)) || ['', ''])[1];
}

// The IUD of each document of a list, which is absent when it is empty.
function iud(list, name) {
  return (list || []).map((each) => field(decode(each[name], 1), 'identificativoUnivocoDovuto')).join(' ');
}

// Read `pagati`: two levels of base64 around the document, both ours to take off.
function pagato(content) {
  const document = decode(content, 2);
  return {
    esito: field(document, 'codiceEsitoPagamento'),
    importo: field(document, 'importoTotalePagato'),
    iud: field(document, 'identificativoUnivocoDovuto'),
    iur: field(document, 'identificativoUnivocoRiscossione'),
    causale: field(document, 'causaleVersamento'),
  };
}

async function main(wsdl, folder, ...steps) {
  const cliente = await Cliente.open(wsdl, folder);
  for (const step of steps) {
    let values;
    try {
      values = await cliente[step]();
    } catch (error) { // a step that fails is told, and the story goes on
      values = { errore: String(error.message || error) };
    }
    console.log(JSON.stringify({ passo: step, ...values }));
  }
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
