#!/usr/bin/env node
/*
 * Un ufficio tributi che carica un ruolo intero con un file solo: dall'elenco di chi deve pagare a un numero e un avviso per
 * ciascuno. Con le librerie `soap` e `fflate` (gli ZIP, che Node non ha) di npm.
 *
 * Chiede il permesso con paaSILAutorizzaImportFlusso, manda il flusso (uno ZIP con un csv), chiede con
 * paaSILChiediStatoImportFlusso finché è caricato, e prende i file dei risultati: le righe rifiutate e perché, il numero di
 * ciascun avviso, gli avvisi da stampare:
 *
 *     npm install
 *     node tributi_flusso.js --elenco elenco.csv --cartella risultati
 *
 * elenco.csv ha una riga di nomi e poi una riga per debito:
 *
 *     iud;codice_fiscale;nome;importo;scadenza;causale
 *     TARI-2026-000001;RSSMRA80A01H501U;Mario Rossi;84.30;2026-12-31;Tassa rifiuti 2026, prima rata
 *
 * Opzioni: --wsdl, --ente, --password, --iuf NOME, --attesa SECONDI, --json (una riga JSON per ogni passo). Esce con 0 se ogni
 * debito è caricato, con 1 se qualcuno è rifiutato. La ricevuta di ciascuno si chiede poi con lo IUV, come in tributi.js.
 */
'use strict';
const crypto = require('node:crypto');
const { mkdir, readFile, writeFile } = require('node:fs/promises');
const path = require('node:path');
const { strFromU8, strToU8, unzipSync, zipSync } = require('fflate');
const { Rifiuto, aspetta, esegui, racconta } = require('./comune');

// Le colonne si riconoscono dal posto, non dal nome: si scrivono tutte, in quest'ordine. Versione 1_3.
const COLONNE = [
  'IUD', 'codIuv', 'tipoIdentificativoUnivoco', 'codiceIdentificativoUnivoco', 'anagraficaPagatore',
  'indirizzoPagatore', 'civicoPagatore', 'capPagatore', 'localitaPagatore', 'provinciaPagatore', 'nazionePagatore',
  'mailPagatore', 'dataEsecuzionePagamento', 'importoDovuto', 'commissioneCaricoPa', 'tipoDovuto', 'tipoVersamento',
  'causaleVersamento', 'datiSpecificiRiscossione', 'bilancio', 'flgGeneraIuv', 'azione',
];
const DEBITO = ['iud', 'codice_fiscale', 'nome', 'importo', 'scadenza', 'causale'];
// Caricato (qualche riga può essere rifiutata), o rifiutato per intero; anche un codice che inizia con PAA_ è definitivo.
const FINITI = ['IMPORT_ESEGUITO', 'IMPORT_ABORTITO'];
// Un file grande ha bisogno di tempo per arrivare.
const ATTESA_FILE = 300000;

const OPZIONI = {
  elenco: { type: 'string', default: 'elenco.csv' },
  cartella: { type: 'string', default: '.' },
  iuf: { type: 'string', default: `TARI${crypto.randomBytes(6).toString('hex')}` },
};

/** Divide una riga di csv: un valore fra virgolette può avere dentro `;`, e le sue virgolette sono raddoppiate. */
function dividi(riga) {
  const valori = [];
  for (let da = 0; da <= riga.length;) {
    const [intero, quotato, nudo] = /^(?:"((?:[^"]|"")*)"|([^;]*))/.exec(riga.slice(da));
    valori.push(quotato === undefined ? nudo : quotato.replaceAll('""', '"'));
    da += intero.length + 1;
  }
  return valori;
}

/** Scrive un valore di csv. */
function valore(testo) {
  return /[;"]/.test(testo) ? `"${testo.replaceAll('"', '""')}"` : testo;
}

/** Legge un csv con una riga di nomi: una riga per voce. Dentro un valore non ci sono a capo. */
function leggiCsv(testo) {
  const [nomi, ...righe] = testo.replace(/^\uFEFF/, '').trim().split(/\r?\n/).map(dividi);
  return righe.map((valori) => Object.fromEntries(nomi.map((nome, posto) => [nome, valori[posto]])));
}

/** Legge l'elenco. Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un debito annullato. */
async function leggiElenco(file) {
  const debiti = leggiCsv(await readFile(file, 'utf8'));
  const corto = debiti.findIndex((debito) => DEBITO.some((nome) => debito[nome] === undefined));
  if (corto >= 0) throw new Error(`riga ${corto + 2}: servono ${DEBITO.join(', ')}`);
  return debiti;
}

/** Scrive lo ZIP di un flusso: il csv dentro ha lo stesso nome. Importi con il punto e due decimali, date aaaa-mm-gg. */
function scriviFlusso(nome, debiti) {
  const righe = debiti.map((debito) => {
    const valori = {
      IUD: debito.iud,
      // F: una persona. G: un'azienda, con la sua partita IVA.
      tipoIdentificativoUnivoco: debito.codice_fiscale.length === 16 ? 'F' : 'G',
      codiceIdentificativoUnivoco: debito.codice_fiscale,
      anagraficaPagatore: debito.nome,
      dataEsecuzionePagamento: debito.scadenza,
      importoDovuto: debito.importo,
      tipoDovuto: 'TARI',
      tipoVersamento: 'ALL',
      causaleVersamento: debito.causale,
      datiSpecificiRiscossione: '9/0101101IM/',
      // Il numero dell'avviso lo dà l'hub, che lo stampa.
      flgGeneraIuv: 'true',
      // I inserisce, M modifica, A annulla.
      azione: 'I',
    };
    return COLONNE.map((colonna) => valore(valori[colonna] ?? '')).join(';');
  });
  return zipSync({ [`${nome}.csv`]: strToU8([COLONNE.join(';'), ...righe, ''].join('\n')) });
}

/** Manda il flusso all'indirizzo e con il gettone avuti dal permesso. */
async function carica({ uploadUrl, authorizationToken }, nome, flusso) {
  const modulo = new FormData();
  modulo.append('authorizationToken', authorizationToken);
  modulo.append('file', new Blob([flusso], { type: 'application/zip' }), `${nome}.zip`);
  const signal = AbortSignal.timeout(ATTESA_FILE);
  const risposta = await fetch(uploadUrl, { method: 'POST', body: modulo, signal });
  if (!risposta.ok) throw new Error(`HTTP ${risposta.status}`);
  // Lo stato è sempre 200, e la risposta un elenco di una cosa sola: solo i suoi nomi dicono se il file è stato preso.
  const [detto] = await risposta.json();
  if (detto.codice) throw new Rifiuto(`${detto.codice}: ${detto.descrizione}`);
}

/** Prende i file dentro uno ZIP di risultati: coppie di nome e byte; nessuna, se quel risultato non c'è. */
async function prendi(url) {
  if (!url) return [];
  const risposta = await fetch(url, { signal: AbortSignal.timeout(ATTESA_FILE) });
  if (!risposta.ok) throw new Error(`HTTP ${risposta.status}`);
  return Object.entries(unzipSync(new Uint8Array(await risposta.arrayBuffer())));
}

/** Le righe del csv di un risultato. */
async function righe(url) {
  const [csv] = await prendi(url);
  return csv ? leggiCsv(strFromU8(csv[1])) : [];
}

/** Dice numeri e rifiuti, scrive gli avvisi; restituisce quante righe sono state rifiutate. */
async function raccontaRisultati(caricato, o) {
  for (const riga of await righe(caricato.urlFileIUV)) {
    // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
    racconta(o.json, 'avviso', { iud: riga.IUD, iuv: riga.codIuv, avviso: `3${riga.codIuv}` });
  }
  await mkdir(o.cartella, { recursive: true });
  for (const [nome, pdf] of await prendi(caricato.urlFileAvvisi)) {
    // Solo il nome: ciò che viene da fuori non decide dove scriviamo.
    await writeFile(path.join(o.cartella, path.basename(nome)), pdf);
  }
  const scarti = await righe(caricato.urlFileScarti);
  for (const riga of scarti) {
    racconta(o.json, 'scarto', { iud: riga.IUD, codice: riga.cod_rifiuto, motivo: riga.de_rifiuto });
  }
  return scarti.length;
}

esegui(OPZIONI, async (portale, o) => {
  let debiti;
  try {
    debiti = await leggiElenco(o.elenco);
  } catch (errore) {
    console.error(`L'elenco non si legge: ${errore.message}`);
    return 1;
  }
  // Ente, nome del flusso, versione: un trattino fra loro e nessuno dentro. Un nome vale per un flusso solo.
  const nome = `${portale.ente}-${o.iuf}-1_3`;
  const permesso = await portale.chiama('paaSILAutorizzaImportFlusso', {});
  await carica(permesso, nome, scriviFlusso(nome, debiti));
  racconta(o.json, 'caricato', { nome, token: permesso.requestToken });

  const caricato = await aspetta(async () => {
    const risposta = await portale.chiediFlusso(permesso.requestToken);
    return FINITI.includes(risposta.stato) || risposta.stato.startsWith('PAA_') ? risposta : null;
  }, Number(o.attesa));
  if (caricato?.stato !== 'IMPORT_ESEGUITO') {
    console.error(`Il flusso ${nome} non è caricato: ${caricato?.stato ?? 'è ancora in corso'}`);
    return 1;
  }
  return (await raccontaRisultati(caricato, o)) === 0 ? 0 : 1;
});
