import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Map;
import org.w3c.dom.Document;

/**
 * Un ufficio tributi che stampa avvisi, con il solo JDK (17 o successivo): nessuna libreria.
 *
 * <p>Registra un dovuto con paaSILImportaDovuto e si fa dare il numero dell'avviso, ne prende il PDF, poi chiede la
 * ricevuta con paaSILChiediPagatiConRicevuta finché qualcuno non lo ha pagato, dovunque sia:
 *
 * <pre>javac *.java &amp;&amp; java Tributi --pdf avviso.pdf</pre>
 *
 * <p>Opzioni: --servizio, --ente, --password, --iud, --importo, --pdf FILE, --attesa SECONDI, --json. Esce con 0 se
 * l'avviso è pagato, con 1 se è rifiutato o non pagato.
 */
public final class Tributi {
    private Tributi() {}

    /** Scrive il documento Versamento. L'azione è l'ultimo elemento: I inserisce, M modifica, A annulla, S ristampa. */
    private static String documentoVersamento(String iud, String importo, LocalDate scadenza, String azione) {
        return """
                <pay_i:Versamento xmlns:pay_i="%s">
                  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
                  <pay_i:soggettoPagatore>
                    <pay_i:identificativoUnivocoPagatore>
                      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
                      <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
                    </pay_i:identificativoUnivocoPagatore>
                    <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
                  </pay_i:soggettoPagatore>
                  <pay_i:datiVersamento>
                    <pay_i:dataEsecuzionePagamento>%s</pay_i:dataEsecuzionePagamento>
                    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
                    <pay_i:identificativoUnivocoDovuto>%s</pay_i:identificativoUnivocoDovuto>
                    <pay_i:importoSingoloVersamento>%s</pay_i:importoSingoloVersamento>
                    <pay_i:identificativoTipoDovuto>TARI</pay_i:identificativoTipoDovuto>
                    <pay_i:causaleVersamento>Tassa rifiuti, prima rata</pay_i:causaleVersamento>
                    <pay_i:datiSpecificiRiscossione>9/0101101IM/</pay_i:datiSpecificiRiscossione>
                  </pay_i:datiVersamento>
                  <pay_i:azione>%s</pay_i:azione>
                </pay_i:Versamento>
                """.formatted(Comune.NS_DOVUTI, scadenza, Comune.testo(iud), Comune.testo(importo), azione);
    }

    private static int racconta(Comune.Portale portale, Comune.Opzioni o) throws IOException, InterruptedException {
        String iud = o.una("iud", Comune.nuovoIud());
        String documento = documentoVersamento(iud, o.una("importo", "84.30"), LocalDate.now().plusDays(60), "I");
        Document risposta = portale.chiama("paaSILImportaDovuto",
                Comune.elemento("dovuto", Comune.inBase64(documento)) + Comune.elemento("flagGeneraIuv", "true"));
        String iuv = Comune.campo(risposta, "identificativoUnivocoVersamento");
        byte[] pdf = portale.scarica(Comune.campo(risposta, "urlFileAvviso"));
        if (o.ha("pdf")) {
            Files.write(Path.of(o.una("pdf", "")), pdf);
        }
        // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
        o.racconta("avviso", Map.of("iud", iud, "iuv", iuv, "numero", "3" + iuv, "pdf_byte", "" + pdf.length));

        Comune.Pagato pagato = Comune.aspetta(
                () -> portale.chiediPagato("identificativoUnivocoVersamento", iuv), o.attesa());
        if (pagato == null) {
            System.err.println("Nessuna ricevuta per ora: riprovare più tardi con lo IUV");
            return 1;
        }
        o.racconta("ricevuta", pagato.valori());
        return pagato.isPagato() ? 0 : 1;
    }

    public static void main(String[] argomenti) throws InterruptedException {
        Comune.esegui(argomenti, Tributi::racconta);
    }
}
