import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * Un programma che vende permessi per le zone a traffico limitato di più comuni, pagati insieme, con il solo JDK (17 o
 * successivo): nessuna libreria.
 *
 * <p>Un carrello, un pagamento, più creditori: invia i dovuti con paaSILInviaCarrelloDovuti, mostra l'indirizzo a cui si
 * paga, poi chiede con paaSILChiediEsitoCarrelloDovuti com'è finita per ciascun comune:
 *
 * <pre>javac *.java &amp;&amp; java Ztl --permesso C_PROVA:12345678903:35.00 --permesso C_VICINO:98765432103:20.00</pre>
 *
 * <p>Opzioni: --servizio, --ente (chi chiama), --password, --password-stazione, --targa, --attesa SECONDI, --json. Esce
 * con 0 se ogni comune è stato pagato.
 */
public final class Ztl {
    /** Prima che l'automobilista confermi, e mentre paga; tutti gli altri stati sono definitivi. */
    private static final List<String> IN_CORSO = List.of("PREDISPOSTO", "PAGAMENTO IN CORSO");

    private Ztl() {}

    /**
     * Mostra che chi gestisce l'hub ci lascia incassare per quel comune: la password della stazione la dà a chi conosce, e
     * nessun comune impara quella di un altro.
     */
    private static String provaElemento(String passwordStazione, String codiceFiscaleEnte) {
        String frase = "paaSILInviaCarrelloDovuti-%s-%s".formatted(passwordStazione, codiceFiscaleEnte);
        try {
            byte[] impronta = MessageDigest.getInstance("SHA-256").digest(frase.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(impronta);
        } catch (NoSuchAlgorithmException errore) {
            throw new IllegalStateException("ogni JDK ha SHA-256", errore);
        }
    }

    private static int racconta(Comune.Portale portale, Comune.Opzioni o) throws IOException, InterruptedException {
        StringBuilder elementi = new StringBuilder();
        for (String permesso : o.tutte("permesso")) {
            String[] parti = permesso.split(":", 3);
            String documento = Comune.documentoDovuti(Comune.nuovoIud(), parti[2], "ZTL", "9/0105115AP/",
                    "Permesso ZTL, targa " + o.una("targa", "AB123CD"));
            elementi.append("<elementoListaDovuti>")
                    .append(Comune.elemento("codIpaEnte", parti[0]))
                    .append(Comune.elemento("password", provaElemento(o.una("password-stazione", "password01"), parti[1])))
                    .append(Comune.elemento("dovuti", Comune.inBase64(documento)))
                    .append("</elementoListaDovuti>");
        }
        Document carrello = portale.chiama("paaSILInviaCarrelloDovuti",
                "<listaDovuti>" + elementi + "</listaDovuti>"
                        + Comune.elemento("enteSILInviaRispostaPagamentoUrl", ""));
        String idSession = Comune.campo(carrello, "idSessionCarrello");
        o.racconta("inviato", Map.of("id_session", idSession, "url", Comune.campo(carrello, "url")));

        List<Element> esiti = Comune.aspetta(() -> {
            List<Element> trovati = portale.chiediCarrello(idSession);
            boolean isInCorso = trovati.stream().anyMatch(uno -> IN_CORSO.contains(Comune.campo(uno, "esito")));
            return isInCorso ? null : trovati;
        }, o.attesa());
        if (esiti == null) {
            System.err.println("Nessun esito per ora: riprovare più tardi con l'idSession");
            return 1;
        }
        int pagati = 0;
        for (Element uno : esiti) {
            Map<String, String> valori = new LinkedHashMap<>();
            valori.put("ente", Comune.campo(uno, "codIpaEnte"));
            valori.put("stato", Comune.campo(uno, "esito"));
            String documento = Comune.campo(uno, "pagati");
            if (!documento.isEmpty()) {
                Comune.Pagato pagato = Comune.Pagato.leggi(documento);
                valori.putAll(pagato.valori());
                pagati += pagato.isPagato() ? 1 : 0;
            }
            o.racconta("esito", valori);
        }
        return pagati == o.tutte("permesso").size() ? 0 : 1;
    }

    public static void main(String[] argomenti) throws InterruptedException {
        Comune.esegui(argomenti, Ztl::racconta);
    }
}
