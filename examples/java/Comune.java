import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * Ciò che i programmi d'esempio hanno in comune: il portale visto da fuori, con il solo JDK (17 o successivo). Mensa,
 * Tributi, TributiFlusso e Ztl raccontano ciascuno la sua storia.
 *
 * <p>Chi preferisce le classi generate dal WSDL usa wsimport (JAX-WS): il contratto è lo stesso.
 */
final class Comune {
    static final String SERVIZIO = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati";
    static final String NS_DOVUTI = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/";
    private static final String NS_ENTE = "http://www.regione.veneto.it/pagamenti/ente/";
    private static final String NS_TESTATA = "http://www.regione.veneto.it/pagamenti/ente/ppthead";

    /** Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive. */
    private static final List<String> NON_ANCORA = List.of("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO");

    private Comune() {}

    /** L'hub ha rifiutato: il codice dice che cosa, il testo perché. */
    static final class Rifiuto extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Rifiuto(String codice, String testo) {
            super(codice + ": " + testo);
        }
    }

    /** La ricevuta, letta. L'esito "0" vuol dire pagato. */
    record Pagato(String esito, String importo, String iuv, String iud, String iur) {
        static Pagato leggi(String contenuto) throws IOException {
            Document documento = Comune.leggi(decodifica(contenuto));
            return new Pagato(
                    campo(documento, "codiceEsitoPagamento"),
                    campo(documento, "importoTotalePagato"),
                    campo(documento, "identificativoUnivocoVersamento"),
                    campo(documento, "identificativoUnivocoDovuto"),
                    campo(documento, "identificativoUnivocoRiscossione"));
        }

        boolean isPagato() {
            return esito.equals("0");
        }

        Map<String, String> valori() {
            Map<String, String> valori = new LinkedHashMap<>();
            valori.put("esito", esito);
            valori.put("importo", importo);
            valori.put("iuv", iuv);
            valori.put("iud", iud);
            valori.put("iur", iur);
            return valori;
        }
    }

    /** L'hub, chiamato per conto di un ente. */
    static final class Portale {
        // Senza limiti di tempo un programma aspetta per sempre: 10 secondi per collegarsi, 30 per la risposta.
        private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        private final URI servizio;
        private final String ente;
        private final String password;

        Portale(String servizio, String ente, String password) {
            this.servizio = URI.create(servizio);
            this.ente = ente;
            this.password = password;
        }

        /** Chiama un'operazione in cui l'ente sta nella testata SOAP; `campi` è ciò che segue la password, in XML. */
        Document chiama(String operazione, String campi) throws IOException, InterruptedException {
            return chiamaConTestata(operazione, elemento("password", password) + campi);
        }

        /** Chiede a che punto è un flusso, e i suoi file. L'ordine conta: qui la password viene dopo il primo campo. */
        Document chiediFlusso(String requestToken) throws IOException, InterruptedException {
            return chiamaConTestata("paaSILChiediStatoImportFlusso",
                    elemento("requestToken", requestToken) + elemento("password", password)
                            + elemento("fileScarti", "true") + elemento("fileIUV", "true")
                            + elemento("fileAvvisi", "true"));
        }

        private Document chiamaConTestata(String operazione, String corpo) throws IOException, InterruptedException {
            // Gli elementi dentro la testata e il corpo sono senza namespace, come dice il contratto.
            String testata = "<h:intestazionePPT xmlns:h=\"%s\"><codIpaEnte>%s</codIpaEnte></h:intestazionePPT>"
                    .formatted(NS_TESTATA, testo(ente));
            Document risposta = invia(operazione, testata, corpo);
            controlla(risposta);
            return risposta;
        }

        /** Chiede la ricevuta, per idSession o per IUV; null se non c'è ancora. */
        Pagato chiediPagato(String chiave, String valore) throws IOException, InterruptedException {
            Document risposta = invia("paaSILChiediPagatiConRicevuta", "",
                    elemento("codIpaEnte", ente) + elemento("password", password) + elemento(chiave, valore));
            if (NON_ANCORA.contains(campo(risposta, "faultCode"))) {
                return null;
            }
            controlla(risposta);
            return Pagato.leggi(campo(risposta, "pagati"));
        }

        /** Chiede com'è finito un carrello: un elemento per ente. */
        List<Element> chiediCarrello(String idSession) throws IOException, InterruptedException {
            Document risposta = invia("paaSILChiediEsitoCarrelloDovuti", "",
                    elemento("codIpaEnte", ente) + elemento("password", password)
                            + elemento("idSessionCarrello", idSession));
            controlla(risposta);
            NodeList trovati = risposta.getElementsByTagNameNS("*", "rispostaCarrello");
            List<Element> esiti = new ArrayList<>();
            for (int i = 0; i < trovati.getLength(); i++) {
                esiti.add((Element) trovati.item(i));
            }
            return esiti;
        }

        private Document invia(String operazione, String testata, String corpo)
                throws IOException, InterruptedException {
            String busta = """
                    <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>%s</s:Header>\
                    <s:Body><e:%s xmlns:e="%s">%s</e:%s></s:Body></s:Envelope>"""
                    .formatted(testata, operazione, NS_ENTE, corpo, operazione);
            HttpRequest richiesta = HttpRequest.newBuilder(servizio)
                    .timeout(Duration.ofSeconds(30))
                    .header("Content-Type", "text/xml; charset=utf-8")
                    .header("SOAPAction", "\"" + operazione + "\"")
                    .POST(HttpRequest.BodyPublishers.ofString(busta))
                    .build();
            HttpResponse<byte[]> risposta = http.send(richiesta, HttpResponse.BodyHandlers.ofByteArray());
            // Un rifiuto del contratto è una risposta come le altre; il 500 porta un SOAP Fault, il resto non è XML.
            if (risposta.statusCode() != 200 && risposta.statusCode() != 500) {
                throw new IOException("HTTP " + risposta.statusCode());
            }
            return leggi(risposta.body());
        }

        /** Prende un file dal suo indirizzo. */
        byte[] scarica(String url) throws IOException, InterruptedException {
            HttpRequest richiesta = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30)).build();
            HttpResponse<byte[]> risposta = http.send(richiesta, HttpResponse.BodyHandlers.ofByteArray());
            if (risposta.statusCode() != 200) {
                throw new IOException("HTTP " + risposta.statusCode());
            }
            return risposta.body();
        }

        private static void controlla(Document risposta) {
            String codice = campo(risposta, "faultCode");
            if (!codice.isEmpty()) {
                String testo = campo(risposta, "description");
                throw new Rifiuto(codice, testo.isEmpty() ? campo(risposta, "faultString") : testo);
            }
            // faultcode, tutto minuscolo, è quello di un SOAP Fault.
            if (!campo(risposta, "faultcode").isEmpty()) {
                throw new Rifiuto(campo(risposta, "faultcode"), campo(risposta, "faultstring"));
            }
        }
    }

    /**
     * Scrive il documento Dovuti di un dovuto solo. L'ordine degli elementi conta; quelli senza valore si omettono.
     *
     * <p>Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due
     * decimali, con il punto.
     */
    static String documentoDovuti(String iud, String importo, String tipo, String tassonomia, String causale) {
        return """
                <pay_i:Dovuti xmlns:pay_i="%s">
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
                      <pay_i:identificativoUnivocoDovuto>%s</pay_i:identificativoUnivocoDovuto>
                      <pay_i:importoSingoloVersamento>%s</pay_i:importoSingoloVersamento>
                      <pay_i:identificativoTipoDovuto>%s</pay_i:identificativoTipoDovuto>
                      <pay_i:causaleVersamento>%s</pay_i:causaleVersamento>
                      <pay_i:datiSpecificiRiscossione>%s</pay_i:datiSpecificiRiscossione>
                    </pay_i:datiSingoloVersamento>
                  </pay_i:datiVersamento>
                </pay_i:Dovuti>
                """.formatted(NS_DOVUTI, testo(iud), testo(importo), testo(tipo), testo(causale), testo(tassonomia));
    }

    /** Un elemento senza namespace, con il suo testo protetto. */
    static String elemento(String nome, String valore) {
        return "<%s>%s</%s>".formatted(nome, testo(valore), nome);
    }

    /** Protegge un testo che va dentro l'XML. */
    static String testo(String valore) {
        return valore.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    /** I documenti viaggiano in base64: è il contratto che lo vuole. */
    static String inBase64(String documento) {
        return Base64.getEncoder().encodeToString(documento.getBytes(StandardCharsets.UTF_8));
    }

    /** I portali mettono uno o due livelli di base64: si decodifica finché è XML. */
    static byte[] decodifica(String contenuto) {
        byte[] dati = contenuto.getBytes(StandardCharsets.UTF_8);
        for (int giro = 0; giro < 3; giro++) {
            String inizio = new String(dati, 0, Math.min(dati.length, 64), StandardCharsets.UTF_8).stripLeading();
            if (inizio.startsWith("<")) {
                return dati;
            }
            dati = Base64.getMimeDecoder().decode(dati);
        }
        return dati;
    }

    /** Legge un XML che viene da fuori: niente DTD, niente entità. */
    static Document leggi(byte[] xml) throws IOException {
        try {
            DocumentBuilderFactory lettore = DocumentBuilderFactory.newInstance();
            lettore.setNamespaceAware(true);
            lettore.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            lettore.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            return lettore.newDocumentBuilder().parse(new ByteArrayInputStream(xml));
        } catch (ParserConfigurationException | SAXException errore) {
            throw new IOException("la risposta non è XML", errore);
        }
    }

    /** Il testo del primo elemento di quel nome, ovunque sia; vuoto se non c'è. */
    static String campo(Document documento, String nome) {
        return campo(documento.getDocumentElement(), nome);
    }

    static String campo(Element elemento, String nome) {
        Node primo = elemento.getElementsByTagNameNS("*", nome).item(0);
        return primo == null ? "" : primo.getTextContent();
    }

    /** Uno IUD nuovo. */
    static String nuovoIud() {
        return "JAVA-" + UUID.randomUUID().toString().replace("-", "").substring(0, 20);
    }

    /** Una domanda all'hub che può non avere ancora risposta: null. */
    interface Domanda<T> {
        T chiedi() throws IOException, InterruptedException;
    }

    /** Chiede ogni secondo finché c'è una risposta; null se il tempo finisce prima. */
    static <T> T aspetta(Domanda<T> domanda, long secondi) throws IOException, InterruptedException {
        Instant scadenza = Instant.now().plusSeconds(secondi);
        while (true) {
            T trovato = domanda.chiedi();
            if (trovato != null || Instant.now().isAfter(scadenza)) {
                return trovato;
            }
            Thread.sleep(1000);
        }
    }

    /** Le opzioni della riga di comando: `--nome valore`, anche più volte. */
    record Opzioni(Map<String, List<String>> date) {
        static Opzioni leggi(String[] argomenti) {
            Map<String, List<String>> trovate = new HashMap<>();
            for (int i = 0; i < argomenti.length; i++) {
                String nome = argomenti[i].replaceFirst("^--", "");
                boolean haValore = i + 1 < argomenti.length && !argomenti[i + 1].startsWith("--");
                trovate.computeIfAbsent(nome, chiave -> new ArrayList<>()).add(haValore ? argomenti[++i] : "");
            }
            return new Opzioni(trovate);
        }

        String una(String nome, String altrimenti) {
            return tutte(nome).stream().findFirst().orElse(altrimenti);
        }

        List<String> tutte(String nome) {
            return date.getOrDefault(nome, List.of());
        }

        boolean ha(String nome) {
            return date.containsKey(nome);
        }

        long attesa() {
            return Long.parseLong(una("attesa", "300"));
        }

        /** Dice un passo a chi guarda, o, con --json, a un programma. */
        void racconta(String passo, Map<String, String> valori) {
            Map<String, String> tutto = new LinkedHashMap<>();
            tutto.put("passo", passo);
            tutto.putAll(valori);
            System.out.println(!ha("json") ? passo + ": " + valori : tutto.entrySet().stream()
                    .map(voce -> "\"%s\": \"%s\"".formatted(voce.getKey(), voce.getValue().replace("\"", "\\\"")))
                    .collect(Collectors.joining(", ", "{", "}")));
        }
    }

    /** Ciò che un programma fa con il portale; restituisce il codice con cui finisce. */
    interface Storia {
        int racconta(Portale portale, Opzioni opzioni) throws IOException, InterruptedException;
    }

    /** Apre il portale e racconta la storia; finisce con il suo codice, o con 1 e una frase. */
    static void esegui(String[] argomenti, Storia storia) throws InterruptedException {
        Opzioni o = Opzioni.leggi(argomenti);
        int codice = 1;
        try {
            codice = storia.racconta(new Portale(
                    o.una("servizio", SERVIZIO), o.una("ente", "C_PROVA"), o.una("password", "Segreto12345")), o);
        } catch (Rifiuto rifiuto) {
            System.err.println("Rifiutato. " + rifiuto.getMessage());
        } catch (IOException errore) {
            System.err.println("Il servizio non risponde: " + errore.getMessage());
        }
        System.exit(codice);
    }
}
