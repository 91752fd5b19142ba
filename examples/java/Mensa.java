import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Un programma di mensa scolastica che chiede di essere pagato, con il solo JDK (17 o successivo): nessuna libreria.
 *
 * <p>Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché non c'è:
 *
 * <pre>java Mensa.java --servizio http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati</pre>
 *
 * <p>Opzioni: --ente, --password, --iud, --importo, --attesa SECONDI, --json (una riga JSON per ogni passo). Esce con 0
 * se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 *
 * <p>Chi preferisce le classi generate dal WSDL usa wsimport (JAX-WS): il contratto è lo stesso.
 */
public final class Mensa {
    private static final String SERVIZIO = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati";
    private static final String NS_ENTE = "http://www.regione.veneto.it/pagamenti/ente/";
    private static final String NS_TESTATA = "http://www.regione.veneto.it/pagamenti/ente/ppthead";
    private static final String NS_DOVUTI = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/";

    /** Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive. */
    private static final List<String> NON_ANCORA = List.of("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO");

    /** L'hub ha rifiutato: il codice dice che cosa, il testo perché. */
    static final class Rifiuto extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final String codice;

        Rifiuto(String codice, String testo) {
            super(codice + ": " + testo);
            this.codice = codice;
        }
    }

    /** Dove si paga, e con quale identificativo si chiederà la ricevuta. */
    record Sessione(String idSession, String url) {}

    /** La ricevuta, letta. L'esito "0" vuol dire pagato. */
    record Pagato(String esito, String importo, String iuv, String iud, String iur) {}

    /** L'hub visto dalla mensa: due operazioni del contratto. */
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

        /** Invia un documento Dovuti. */
        Sessione invia(String documento, String urlRitorno) throws IOException, InterruptedException {
            // codIpaEnte viaggia nella testata; gli elementi dentro la testata e il corpo sono senza namespace.
            String testata = "<h:intestazionePPT xmlns:h=\"%s\"><codIpaEnte>%s</codIpaEnte></h:intestazionePPT>"
                    .formatted(NS_TESTATA, testo(ente));
            String dovuti = Base64.getEncoder().encodeToString(documento.getBytes(StandardCharsets.UTF_8));
            Document risposta = chiama("paaSILInviaDovuti", testata, """
                    <password>%s</password><dovuti>%s</dovuti>
                    <enteSILInviaRispostaPagamentoUrl>%s</enteSILInviaRispostaPagamentoUrl>"""
                    .formatted(testo(password), dovuti, testo(urlRitorno)));
            controlla(risposta);
            return new Sessione(campo(risposta, "idSession"), campo(risposta, "url"));
        }

        /** Restituisce la ricevuta, o null se non c'è ancora. */
        Pagato chiedi(String idSession) throws IOException, InterruptedException {
            Document risposta = chiama("paaSILChiediPagatiConRicevuta", "", """
                    <codIpaEnte>%s</codIpaEnte><password>%s</password><idSession>%s</idSession>"""
                    .formatted(testo(ente), testo(password), testo(idSession)));
            if (NON_ANCORA.contains(campo(risposta, "faultCode"))) {
                return null;
            }
            controlla(risposta);
            Document documento = leggi(decodifica(campo(risposta, "pagati")));
            return new Pagato(
                    campo(documento, "codiceEsitoPagamento"),
                    campo(documento, "importoTotalePagato"),
                    campo(documento, "identificativoUnivocoVersamento"),
                    campo(documento, "identificativoUnivocoDovuto"),
                    campo(documento, "identificativoUnivocoRiscossione"));
        }

        private Document chiama(String operazione, String testata, String corpo)
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

        private static void controlla(Document risposta) {
            String codice = campo(risposta, "faultCode");
            // faultcode, tutto minuscolo, è quello di un SOAP Fault.
            if (!codice.isEmpty()) {
                String testo = campo(risposta, "description");
                throw new Rifiuto(codice, testo.isEmpty() ? campo(risposta, "faultString") : testo);
            }
            if (!campo(risposta, "faultcode").isEmpty()) {
                throw new Rifiuto(campo(risposta, "faultcode"), campo(risposta, "faultstring"));
            }
        }
    }

    /**
     * Scrive il documento Dovuti. L'ordine degli elementi conta; quelli senza valore si omettono.
     *
     * <p>Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due
     * decimali, con il punto.
     */
    static String documentoDovuti(String iud, BigDecimal importo) {
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
                      <pay_i:identificativoTipoDovuto>MENSA</pay_i:identificativoTipoDovuto>
                      <pay_i:causaleVersamento>%s</pay_i:causaleVersamento>
                      <pay_i:datiSpecificiRiscossione>9/0107101TS/</pay_i:datiSpecificiRiscossione>
                    </pay_i:datiSingoloVersamento>
                  </pay_i:datiVersamento>
                </pay_i:Dovuti>
                """.formatted(NS_DOVUTI, testo(iud), importo.setScale(2, RoundingMode.UNNECESSARY).toPlainString(),
                        testo("Mensa scolastica, è il mese di marzo & aprile"));
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
        } catch (javax.xml.parsers.ParserConfigurationException | org.xml.sax.SAXException errore) {
            throw new IOException("la risposta non è XML", errore);
        }
    }

    /** Il testo del primo elemento di quel nome, ovunque sia; vuoto se non c'è. */
    static String campo(Document documento, String nome) {
        NodeList trovati = documento.getElementsByTagNameNS("*", nome);
        Node primo = trovati.item(0);
        return primo == null ? "" : primo.getTextContent();
    }

    /** Protegge un testo che va dentro l'XML. */
    static String testo(String valore) {
        return valore.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    /** Dice un passo a chi guarda, o a un programma con --json. */
    private static void racconta(boolean json, String passo, Map<String, String> valori) {
        Map<String, String> tutto = new LinkedHashMap<>();
        tutto.put("passo", passo);
        tutto.putAll(valori);
        System.out.println(json
                ? tutto.entrySet().stream()
                        .map(voce -> "\"%s\": \"%s\"".formatted(voce.getKey(), voce.getValue().replace("\"", "\\\"")))
                        .collect(Collectors.joining(", ", "{", "}"))
                : passo + ": " + valori);
    }

    private static int principale(Map<String, String> o) throws IOException, InterruptedException {
        boolean json = o.containsKey("json");
        String iud = o.getOrDefault("iud", "JAVA-" + UUID.randomUUID().toString().replace("-", "").substring(0, 20));
        Portale portale = new Portale(
                o.getOrDefault("servizio", SERVIZIO),
                o.getOrDefault("ente", "C_PROVA"),
                o.getOrDefault("password", "Segreto12345"));

        BigDecimal importo = new BigDecimal(o.getOrDefault("importo", "12.50"));
        Sessione sessione = portale.invia(documentoDovuti(iud, importo), "");
        racconta(json, "inviato", Map.of("id_session", sessione.idSession(), "url", sessione.url(), "iud", iud));

        Instant scadenza = Instant.now().plusSeconds(Long.parseLong(o.getOrDefault("attesa", "300")));
        Pagato pagato = portale.chiedi(sessione.idSession());
        while (pagato == null) {
            if (Instant.now().isAfter(scadenza)) {
                System.err.println("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
                return 1;
            }
            Thread.sleep(1000);
            pagato = portale.chiedi(sessione.idSession());
        }
        racconta(json, "ricevuta", Map.of(
                "esito", pagato.esito(), "importo", pagato.importo(), "iuv", pagato.iuv(),
                "iud", pagato.iud(), "iur", pagato.iur()));
        return pagato.esito().equals("0") ? 0 : 1;
    }

    private static Map<String, String> opzioni(String[] argomenti) {
        Map<String, String> trovate = new HashMap<>();
        for (int i = 0; i < argomenti.length; i++) {
            String nome = argomenti[i].replaceFirst("^--", "");
            boolean haValore = i + 1 < argomenti.length && !argomenti[i + 1].startsWith("--");
            trovate.put(nome, haValore ? argomenti[++i] : "");
        }
        return trovate;
    }

    public static void main(String[] argomenti) throws InterruptedException {
        int codice = 1;
        try {
            codice = principale(opzioni(argomenti));
        } catch (Rifiuto rifiuto) {
            System.err.println("Rifiutato. " + rifiuto.getMessage());
        } catch (IOException errore) {
            System.err.println("Il servizio non risponde: " + errore.getMessage());
        }
        System.exit(codice);
    }
}
