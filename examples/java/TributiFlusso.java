import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.w3c.dom.Document;

/**
 * Un ufficio tributi che carica un ruolo intero con un file solo: dall'elenco di chi deve pagare a un numero e un avviso
 * per ciascuno. Con il solo JDK (17 o successivo): nessuna libreria.
 *
 * <p>Chiede il permesso con paaSILAutorizzaImportFlusso, manda il flusso (uno ZIP con un csv), chiede con
 * paaSILChiediStatoImportFlusso finché è caricato, e prende i file dei risultati: le righe rifiutate e perché, il numero
 * di ciascun avviso, gli avvisi da stampare:
 *
 * <pre>javac *.java &amp;&amp; java TributiFlusso --elenco elenco.csv --cartella risultati</pre>
 *
 * <p>elenco.csv ha una riga di nomi e poi una riga per debito:
 *
 * <pre>
 * iud;codice_fiscale;nome;importo;scadenza;causale
 * TARI-2026-000001;RSSMRA80A01H501U;Mario Rossi;84.30;2026-12-31;Tassa rifiuti 2026, prima rata
 * </pre>
 *
 * <p>Opzioni: --servizio, --ente, --password, --iuf NOME, --attesa SECONDI, --json. Esce con 0 se ogni debito è caricato,
 * con 1 se qualcuno è rifiutato. La ricevuta di ciascuno si chiede poi con lo IUV, come in Tributi.
 */
public final class TributiFlusso {
    /** Le colonne si riconoscono dal posto, non dal nome: si scrivono tutte, in quest'ordine. Versione 1_3. */
    private static final List<String> COLONNE = List.of(
            "IUD", "codIuv", "tipoIdentificativoUnivoco", "codiceIdentificativoUnivoco", "anagraficaPagatore",
            "indirizzoPagatore", "civicoPagatore", "capPagatore", "localitaPagatore", "provinciaPagatore",
            "nazionePagatore", "mailPagatore", "dataEsecuzionePagamento", "importoDovuto", "commissioneCaricoPa",
            "tipoDovuto", "tipoVersamento", "causaleVersamento", "datiSpecificiRiscossione", "bilancio",
            "flgGeneraIuv", "azione");

    private static final List<String> DEBITO =
            List.of("iud", "codice_fiscale", "nome", "importo", "scadenza", "causale");

    /** Caricato (qualche riga può essere rifiutata), o rifiutato per intero; anche un codice PAA_ è definitivo. */
    private static final List<String> FINITI = List.of("IMPORT_ESEGUITO", "IMPORT_ABORTITO");

    private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    private TributiFlusso() {}

    /** Legge un csv con una riga di nomi: una riga per voce. Dentro un valore non ci sono a capo. */
    private static List<Map<String, String>> leggiCsv(byte[] csv) throws IOException {
        List<String> testo = new String(csv, StandardCharsets.UTF_8).replaceFirst("^\uFEFF", "").lines().toList();
        List<String> nomi = dividi(testo.get(0));
        List<Map<String, String>> righe = new ArrayList<>();
        for (String riga : testo.subList(1, testo.size())) {
            List<String> valori = dividi(riga);
            if (valori.size() != nomi.size()) {
                throw new IOException("valori %d, attesi %d: %s".formatted(valori.size(), nomi.size(), riga));
            }
            Map<String, String> voce = new LinkedHashMap<>();
            for (int i = 0; i < nomi.size(); i++) {
                voce.put(nomi.get(i), valori.get(i));
            }
            righe.add(voce);
        }
        return righe;
    }

    /** Divide una riga: un valore fra virgolette può avere dentro `;`, e le sue virgolette sono raddoppiate. */
    private static List<String> dividi(String riga) {
        List<String> valori = new ArrayList<>();
        StringBuilder valore = new StringBuilder();
        boolean traVirgolette = false;
        for (int i = 0; i < riga.length(); i++) {
            char segno = riga.charAt(i);
            if (segno == '"' && traVirgolette && riga.startsWith("\"", i + 1)) {
                valore.append('"');
                i++;
            } else if (segno == '"') {
                traVirgolette = !traVirgolette;
            } else if (segno == ';' && !traVirgolette) {
                valori.add(valore.toString());
                valore.setLength(0);
            } else {
                valore.append(segno);
            }
        }
        valori.add(valore.toString());
        return valori;
    }

    /** Scrive un valore di csv. */
    private static String valore(String testo) {
        boolean isSemplice = !testo.contains(";") && !testo.contains("\"");
        return isSemplice ? testo : "\"" + testo.replace("\"", "\"\"") + "\"";
    }

    /** Legge l'elenco. Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un debito annullato. */
    private static List<Map<String, String>> leggiElenco(Path file) throws IOException {
        List<Map<String, String>> debiti = leggiCsv(Files.readAllBytes(file));
        if (debiti.isEmpty() || !debiti.get(0).keySet().containsAll(DEBITO)) {
            throw new IOException("servono una riga di nomi (" + String.join(";", DEBITO) + ") e i debiti");
        }
        return debiti;
    }

    /** Scrive lo ZIP di un flusso: il csv dentro ha lo stesso nome. Importi con il punto, date aaaa-mm-gg. */
    private static byte[] scriviFlusso(String nome, List<Map<String, String>> debiti) throws IOException {
        StringBuilder csv = new StringBuilder(String.join(";", COLONNE)).append('\n');
        for (Map<String, String> debito : debiti) {
            String codiceFiscale = debito.get("codice_fiscale");
            Map<String, String> valori = Map.ofEntries(
                    Map.entry("IUD", debito.get("iud")),
                    // F: una persona. G: un'azienda, con la sua partita IVA.
                    Map.entry("tipoIdentificativoUnivoco", codiceFiscale.length() == 16 ? "F" : "G"),
                    Map.entry("codiceIdentificativoUnivoco", codiceFiscale),
                    Map.entry("anagraficaPagatore", debito.get("nome")),
                    Map.entry("dataEsecuzionePagamento", debito.get("scadenza")),
                    Map.entry("importoDovuto", debito.get("importo")),
                    Map.entry("tipoDovuto", "TARI"),
                    Map.entry("tipoVersamento", "ALL"),
                    Map.entry("causaleVersamento", debito.get("causale")),
                    Map.entry("datiSpecificiRiscossione", "9/0101101IM/"),
                    // Il numero dell'avviso lo dà l'hub, che lo stampa.
                    Map.entry("flgGeneraIuv", "true"),
                    // I inserisce, M modifica, A annulla.
                    Map.entry("azione", "I"));
            csv.append(COLONNE.stream()
                    .map(colonna -> valore(valori.getOrDefault(colonna, "")))
                    .collect(Collectors.joining(";", "", "\n")));
        }
        ByteArrayOutputStream flusso = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(flusso)) {
            zip.putNextEntry(new ZipEntry(nome + ".csv"));
            zip.write(csv.toString().getBytes(StandardCharsets.UTF_8));
        }
        return flusso.toByteArray();
    }

    /** Manda il flusso all'indirizzo e con il gettone avuti dal permesso. Un file grande ha bisogno di tempo. */
    private static void carica(String url, String gettone, String nome, byte[] flusso)
            throws IOException, InterruptedException {
        String confine = UUID.randomUUID().toString();
        String prima = """
                --%s\r
                Content-Disposition: form-data; name="authorizationToken"\r
                \r
                %s\r
                --%s\r
                Content-Disposition: form-data; name="file"; filename="%s.zip"\r
                Content-Type: application/zip\r
                \r
                """.formatted(confine, gettone, confine, nome);
        HttpRequest richiesta = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofMinutes(5))
                .header("Content-Type", "multipart/form-data; boundary=" + confine)
                .POST(BodyPublishers.concat(
                        BodyPublishers.ofString(prima),
                        BodyPublishers.ofByteArray(flusso),
                        BodyPublishers.ofString("\r\n--" + confine + "--\r\n")))
                .build();
        HttpResponse<String> risposta = HTTP.send(richiesta, HttpResponse.BodyHandlers.ofString());
        if (risposta.statusCode() != 200) {
            throw new IOException("HTTP " + risposta.statusCode());
        }
        // Lo stato è sempre 200, e la risposta un elenco JSON di una cosa sola: solo i suoi nomi dicono se il file è
        // stato preso. Un programma vero userebbe un lettore JSON, che il JDK non ha.
        String codice = campoJson(risposta.body(), "codice");
        if (!codice.isEmpty()) {
            throw new Comune.Rifiuto(codice, campoJson(risposta.body(), "descrizione"));
        }
    }

    private static String campoJson(String json, String nome) {
        Matcher trovato = Pattern.compile("\"" + nome + "\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return trovato.find() ? trovato.group(1) : "";
    }

    /** Prende i file dentro uno ZIP di risultati, per nome; nessuno, se quel risultato non c'è. */
    private static Map<String, byte[]> prendi(Comune.Portale portale, String url)
            throws IOException, InterruptedException {
        Map<String, byte[]> trovati = new LinkedHashMap<>();
        if (url.isEmpty()) {
            return trovati;
        }
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(portale.scarica(url)))) {
            for (ZipEntry voce = zip.getNextEntry(); voce != null; voce = zip.getNextEntry()) {
                trovati.put(voce.getName(), zip.readAllBytes());
            }
        }
        return trovati;
    }

    /** Le righe del csv di un risultato. */
    private static List<Map<String, String>> righe(Comune.Portale portale, String url)
            throws IOException, InterruptedException {
        Map<String, byte[]> file = prendi(portale, url);
        return file.isEmpty() ? List.of() : leggiCsv(file.values().iterator().next());
    }

    /** Dice numeri e rifiuti, scrive gli avvisi; restituisce quante righe sono state rifiutate. */
    private static int raccontaRisultati(Comune.Portale portale, Comune.Opzioni o, Document caricato)
            throws IOException, InterruptedException {
        for (Map<String, String> riga : righe(portale, Comune.campo(caricato, "urlFileIUV"))) {
            String iuv = riga.get("codIuv");
            // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
            o.racconta("avviso", Map.of("iud", riga.get("IUD"), "iuv", iuv, "avviso", "3" + iuv));
        }
        Path cartella = Files.createDirectories(Path.of(o.una("cartella", ".")));
        for (Map.Entry<String, byte[]> avviso : prendi(portale, Comune.campo(caricato, "urlFileAvvisi")).entrySet()) {
            // Solo il nome: ciò che viene da fuori non decide dove scriviamo.
            Files.write(cartella.resolve(Path.of(avviso.getKey()).getFileName()), avviso.getValue());
        }
        List<Map<String, String>> scarti = righe(portale, Comune.campo(caricato, "urlFileScarti"));
        for (Map<String, String> riga : scarti) {
            o.racconta("scarto", Map.of("iud", riga.get("IUD"), "codice", riga.get("cod_rifiuto"),
                    "motivo", riga.get("de_rifiuto")));
        }
        return scarti.size();
    }

    private static int racconta(Comune.Portale portale, Comune.Opzioni o) throws IOException, InterruptedException {
        List<Map<String, String>> debiti;
        try {
            debiti = leggiElenco(Path.of(o.una("elenco", "elenco.csv")));
        } catch (IOException errore) {
            System.err.println("L'elenco non si legge: " + errore.getMessage());
            return 1;
        }
        // Ente, nome del flusso, versione: un trattino fra loro e nessuno dentro. Un nome vale per un flusso solo.
        String iuf = o.una("iuf", "TARI" + UUID.randomUUID().toString().replace("-", "").substring(0, 12));
        String nome = "%s-%s-1_3".formatted(o.una("ente", "C_PROVA"), iuf);
        Document permesso = portale.chiama("paaSILAutorizzaImportFlusso", "");
        carica(Comune.campo(permesso, "uploadUrl"), Comune.campo(permesso, "authorizationToken"), nome,
                scriviFlusso(nome, debiti));
        String token = Comune.campo(permesso, "requestToken");
        o.racconta("caricato", Map.of("nome", nome, "token", token));

        Document caricato = Comune.aspetta(() -> {
            Document risposta = portale.chiediFlusso(token);
            String stato = Comune.campo(risposta, "stato");
            return FINITI.contains(stato) || stato.startsWith("PAA_") ? risposta : null;
        }, o.attesa());
        String stato = caricato == null ? "è ancora in corso" : Comune.campo(caricato, "stato");
        if (!stato.equals("IMPORT_ESEGUITO")) {
            System.err.println("Il flusso " + nome + " non è caricato: " + stato);
            return 1;
        }
        return raccontaRisultati(portale, o, caricato) == 0 ? 0 : 1;
    }

    public static void main(String[] argomenti) throws InterruptedException {
        Comune.esegui(argomenti, TributiFlusso::racconta);
    }
}
