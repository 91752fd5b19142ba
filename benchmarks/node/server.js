// paaSILInviaDovuti by a node `soap` server, written as such a service is usually written: the contract's WSDL, the
// document checked with its XSD, the password compared, IUDs looked up, one durable insert.
// Environment: BENCH_PORT, BENCH_PROCESSES, BENCH_DATABASE (a SQLite file, or `postgresql` with libpq's variables),
// BENCH_WSDL, BENCH_XSD, BENCH_POOL.
'use strict';
const cluster = require('cluster');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const soap = require('soap');
const xml = require('libxmljs2');

const PAY_I = { p: 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/' };
const PASSWORD = Buffer.from('Segreto12345');
const xsdPath = process.env.BENCH_XSD;
const schema = xml.parseXml(fs.readFileSync(xsdPath), { baseUrl: xsdPath });
const instant = 'CREATE TABLE IF NOT EXISTS node_sessioni (id_session varchar(36) PRIMARY KEY, ente varchar(35), ' +
  'stato varchar(40), url_esito varchar(2048), documento BLOB, created_at TIME, expires_at TIME, correlation_id varchar(64))';
const taken = 'CREATE TABLE IF NOT EXISTS node_dovuti (ente varchar(35), iud varchar(35), PRIMARY KEY (ente, iud))';

async function openDatabase(target) {
  if (target === 'postgresql') {
    const { Pool } = require('pg');
    // The address is in libpq's own variables: PGHOST, PGDATABASE...
    const pool = new Pool({ max: Number(process.env.BENCH_POOL || 8) });
    await pool.query(instant.replace('BLOB', 'bytea').replace(/TIME/g, 'timestamptz'));
    await pool.query(taken);
    return {
      async keep(row, iud) {
        const found = await pool.query({ name: 'taken', text: 'SELECT iud FROM node_dovuti WHERE ente = $1 AND iud = ANY($2)', values: ['C_PROVA', iud] });
        if (found.rowCount) throw new Error('iud');
        await pool.query({ name: 'keep', text: 'INSERT INTO node_sessioni VALUES ($1,$2,$3,$4,$5,$6,$7,$8)', values: row });
      },
    };
  }
  const db = new (require('better-sqlite3'))(target);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(instant.replace(/TIME/g, 'text'));
  db.exec(taken);
  const select = db.prepare('SELECT iud FROM node_dovuti WHERE ente = ? AND iud IN (?, ?)');
  const insert = db.prepare('INSERT INTO node_sessioni VALUES (?,?,?,?,?,?,?,?)');
  return {
    async keep(row, iud) {
      if (select.all('C_PROVA', iud[0], iud[1]).length) throw new Error('iud');
      insert.run(row.map((value) => (value instanceof Date ? value.toISOString() : value)));
    },
  };
}

async function inviaDovuti(db, args, header) {
  const ente = header.intestazionePPT.codIpaEnte;
  const given = Buffer.from(String(args.password));
  if (ente !== 'C_PROVA' || given.length !== PASSWORD.length || !crypto.timingSafeEqual(given, PASSWORD)) {
    return { fault: { faultCode: 'PAA_ENTE_NON_VALIDO', faultString: 'ente', id: ente }, esito: 'KO' };
  }
  const data = Buffer.from(args.dovuti, 'base64');
  const documento = xml.parseXml(data);
  if (!documento.validate(schema)) {
    return { fault: { faultCode: 'PAA_XML_NON_VALIDO', faultString: 'xml', id: ente }, esito: 'KO' };
  }
  const singoli = documento.find('//p:datiSingoloVersamento', PAY_I)
    .map((item) => Object.fromEntries(item.childNodes().map((child) => [child.name(), child.text()])));
  const iud = singoli.map((singolo) => singolo.identificativoUnivocoDovuto);
  const id = crypto.randomUUID();
  const now = new Date();
  const url = args.enteSILInviaRispostaPagamentoUrl || '';
  const row = [id, ente, 'NUOVO_CARRELLO', url, data, now, new Date(now.getTime() + 3600000), crypto.randomUUID()];
  await db.keep(row, iud);
  return { esito: 'OK', idSession: id, redirect: 1, url: `http://127.0.0.1/paga/${id}` };
}

async function main() {
  const db = await openDatabase(process.env.BENCH_DATABASE);
  const wsdl = path.resolve(process.env.BENCH_WSDL);
  const service = {
    PagamentiTelematiciDovutiPagatiService: {
      PagamentiTelematiciDovutiPagatiPort: {
        paaSILInviaDovuti: (args, _callback, header) => inviaDovuti(db, args, header),
      },
    },
  };
  const server = http.createServer((request, response) => { response.end(); });
  server.keepAliveTimeout = 60000;
  soap.listen(server, {
    path: '/ws/pa/PagamentiTelematiciDovutiPagati', services: service, xml: fs.readFileSync(wsdl, 'utf8'), uri: wsdl,
  });
  server.listen(Number(process.env.BENCH_PORT), '127.0.0.1');
}

async function primary(processes) {
  // The tables are made once, before the others look for them.
  await openDatabase(process.env.BENCH_DATABASE);
  for (let number = 0; number < processes; number += 1) cluster.fork();
}

const processes = Number(process.env.BENCH_PROCESSES || 1);
(cluster.isPrimary && processes > 1 ? primary(processes) : main()).catch((error) => { console.error(error); process.exit(1); });
