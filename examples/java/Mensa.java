import java.io.IOException;
import java.util.Map;
import org.w3c.dom.Document;

/**
 * Un programma di mensa scolastica che chiede di essere pagato, con il solo JDK (17 o successivo): nessuna libreria.
 *
 * <p>Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
 * paaSILChiediPagatiConRicevuta finché non c'è:
 *
 * <pre>javac *.java &amp;&amp; java Mensa --servizio http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati</pre>
 *
 * <p>Opzioni: --ente, --password, --tipo, --tassonomia, --iud, --importo, --attesa SECONDI, --json (una riga JSON per
 * ogni passo). Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
 */
public final class Mensa {
    private Mensa() {}

    private static int racconta(Comune.Portale portale, Comune.Opzioni o) throws IOException, InterruptedException {
        String iud = o.una("iud", Comune.nuovoIud());
        String tipo = o.una("tipo", "MENSA"), tassonomia = o.una("tassonomia", "9/0107101TS/");
        String documento = Comune.documentoDovuti(
                iud, o.una("importo", "12.50"), tipo, tassonomia, "Mensa scolastica, è il mese di marzo & aprile");
        Document sessione = portale.chiama("paaSILInviaDovuti",
                Comune.elemento("dovuti", Comune.inBase64(documento))
                        // Dove torna il cittadino dopo il pagamento; vuoto: all'indirizzo configurato per l'ente.
                        + Comune.elemento("enteSILInviaRispostaPagamentoUrl", ""));
        String idSession = Comune.campo(sessione, "idSession");
        o.racconta("inviato", Map.of("id_session", idSession, "url", Comune.campo(sessione, "url"), "iud", iud));

        Comune.Pagato pagato = Comune.aspetta(() -> portale.chiediPagato("idSession", idSession), o.attesa());
        if (pagato == null) {
            System.err.println("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
            return 1;
        }
        o.racconta("ricevuta", pagato.valori());
        return pagato.isPagato() ? 0 : 1;
    }

    public static void main(String[] argomenti) throws InterruptedException {
        Comune.esegui(argomenti, Mensa::racconta);
    }
}
