import it.veneto.regione.www.pagamenti.ente.*;
import it.veneto.regione.www.pagamenti.ente.PagamentiTelematiciDovutiPagati.PagamentiTelematiciDovutiPagati;
import it.veneto.regione.www.pagamenti.ente.PagamentiTelematiciDovutiPagati.PagamentiTelematiciDovutiPagatiServiceLocator;
import it.veneto.regione.www.pagamenti.ente.ppthead.IntestazionePPT;
import it.veneto.regione.www.schemas._2012.Pagamenti.Ente.CtIdentificativoUnivocoPersonaFG;
import it.veneto.regione.www.schemas._2012.Pagamenti.Ente.StTipoIdentificativoUnivocoPersFG;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.SimpleDateFormat;
import java.util.*;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.axis.client.Stub;

/**
 * The story of tests/interop/story.py told by Apache Axis 1.4: java Cliente WSDL FOLDER STEP..., a line of JSON a step.
 * The toolkit of the years in which the contract was published; its classes are those of WSDL2Java -W: without that
 * option it unwraps the operations that have no header, and then sends their fields without the element around them.
 */
public final class Cliente {
    private static final String ENTE = "C_PROVA", PASSWORD = "Segreto12345";
    private static final Set<String> NOT_YET = Set.of("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO");
    private static final int TIMEOUT_MS = 30_000;
    private static final SimpleDateFormat DAY = new SimpleDateFormat("yyyy-MM-dd");

    private final PagamentiTelematiciDovutiPagati port;
    private final IntestazionePPT head = new IntestazionePPT(ENTE);
    private final Path folder;
    private String idSession, iuv, idCarrello, token;

    private Cliente(String wsdl, Path folder) throws Exception {
        URL address = new URL(wsdl.substring(0, wsdl.indexOf('?')));
        port = new PagamentiTelematiciDovutiPagatiServiceLocator().getPagamentiTelematiciDovutiPagatiPort(address);
        ((Stub) port).setTimeout(TIMEOUT_MS);
        this.folder = folder;
    }

    private Map<String, Object> step(String name) throws Exception {
        switch (name) {
            case "contratto": return values("operazioni", PagamentiTelematiciDovutiPagati.class.getMethods().length);
            case "invia": return invia();
            case "non_ancora": return told(askRicevuta());
            case "pagati": return pagato(waitFor(this::askPagati).getPagati());
            case "ricevuta": return ricevuta();
            case "rifiuto": return told(sendDovuti("rifiuto.xml"));
            case "importa": return importa("importa-i.xml");
            case "modifica": return modifica();
            case "posizioni": return posizioni();
            case "avvisi": return avvisi();
            case "verifica": return verifica();
            case "annulla": return importa("importa-a.xml");
            case "registra": return registra();
            case "storico": return storico();
            case "carrello": return carrello();
            case "esito_carrello": return esitoCarrello();
            case "export": return export();
            case "stato_export": return statoExport();
            case "incrementale": return incrementale();
            case "scaduti": return scaduti();
            case "stato_scaduti": return statoScaduti();
            case "autorizza": return autorizza();
            case "stato_import": return statoImport();
            default: throw new IllegalArgumentException("no step " + name);
        }
    }

    private Map<String, Object> invia() throws Exception {
        PaaSILInviaDovutiRisposta answer = sendDovuti("dovuti.xml");
        idSession = answer.getIdSession();
        return told(answer, "idSession", idSession, "url", answer.getUrl());
    }

    private Map<String, Object> ricevuta() throws Exception {
        PaaSILChiediPagatiConRicevutaRisposta answer = waitFor(this::askRicevuta);
        Map<String, Object> values = pagato(answer.getPagati());
        values.put("rt_byte", answer.getRt().length);
        return values;
    }

    private Map<String, Object> importa(String name) throws Exception {
        PaaSILImportaDovutoRisposta answer = importDovuto(name, null);
        return told(answer, "esito", answer.getEsito());
    }

    private Map<String, Object> modifica() throws Exception {
        PaaSILImportaDovutoRisposta answer = importDovuto("importa-m.xml", true);
        iuv = answer.getIdentificativoUnivocoVersamento();
        return told(answer, "identificativoUnivocoVersamento", iuv, "urlFileAvviso", answer.getUrlFileAvviso());
    }

    private Map<String, Object> posizioni() throws Exception {
        PaaSILChiediPosizioniAperteRisposta answer =
            port.paaSILChiediPosizioniAperte(new PaaSILChiediPosizioniAperte(PASSWORD, ENTE, person()));
        List<String> iud = new ArrayList<>();
        for (PaaSILPosizioniAperte each : listed(answer.getPaaSILPosizioniAperte())) iud.add(iud(each.getDovuti()));
        return told(answer, "iud", String.join(" ", iud));
    }

    private Map<String, Object> avvisi() throws Exception {
        PaaSILChiediAvvisiPendentiRisposta answer = port.paaSILChiediAvvisiPendenti(
            new PaaSILChiediAvvisiPendenti(PASSWORD, ENTE, today(), today()));
        List<String> iud = new ArrayList<>(), giorni = new ArrayList<>();
        for (PaaSILAvvisoPendente each : listed(answer.getPaaSILAvvisoPendente())) {
            iud.add(iud(each.getDovuti()));
            giorni.add(DAY.format(each.getDtCreazioneCodIuv()));
        }
        return told(answer, "iud", String.join(" ", iud), "giorni", String.join(" ", giorni));
    }

    private Map<String, Object> registra() throws Exception {
        PaaSILRegistraPagamento request = new PaaSILRegistraPagamento();
        request.setCodIpaEnte(ENTE);
        request.setPassword(PASSWORD);
        request.setIdentificativoUnivocoVersamento(
            importDovuto("registra.xml", true).getIdentificativoUnivocoVersamento());
        request.setSingoloImportoPagato(new BigDecimal("40.50"));
        request.setDataEsitoSingoloPagamento(today());
        request.setIndiceDatiSingoloPagamento(BigInteger.ONE);
        request.setIdentificativoUnivocoRiscossione("TESORERIA-17");
        request.setTipoIstitutoAttestante("G");
        request.setCodiceIstitutiAttestante("TESORERIA");
        request.setDenominazioneAttestante("Tesoreria comunale");
        PaaSILRegistraPagamentoRisposta answer = port.paaSILRegistraPagamento(request);
        return told(answer, "esito", answer.getEsito());
    }

    private Map<String, Object> storico() throws Exception {
        PaaSILChiediStoricoPagamentiRisposta answer = port.paaSILChiediStoricoPagamenti(
            new PaaSILChiediStoricoPagamenti(PASSWORD, ENTE, person(), yesterday(), null));
        List<String> iud = new ArrayList<>();
        for (PaaSILStoricoPagamenti each : listed(answer.getPaaSILStoricoPagamenti()))
            iud.add(iud(each.getCtPagatiConRicevuta()));
        return told(answer, "dateTo", answer.getDateTo().toInstant(), "iud", String.join(" ", iud));
    }

    private Map<String, Object> verifica() throws Exception {
        PaaSILVerificaAvviso request = new PaaSILVerificaAvviso();
        request.setPassword(PASSWORD);
        request.setIdentificativoUnivocoVersamento(iuv);
        PaaSILVerificaAvvisoRisposta answer = port.paaSILVerificaAvviso(request, head);
        return told(answer, "idSession", answer.getIdSession(), "url", answer.getUrl());
    }

    private Map<String, Object> carrello() throws Exception {
        List<ElementoListaDovuti> list = new ArrayList<>();
        for (String ente : text("carrello").split(" "))
            list.add(new ElementoListaDovuti(
                ente, text("carrello-" + ente + ".segreto"), document("carrello-" + ente + ".xml")));
        PaaSILInviaCarrelloDovuti request = new PaaSILInviaCarrelloDovuti();
        request.setPassword(PASSWORD);
        request.setListaDovuti(list.toArray(new ElementoListaDovuti[0]));
        PaaSILInviaCarrelloDovutiRisposta answer = port.paaSILInviaCarrelloDovuti(request, head);
        idCarrello = answer.getIdSessionCarrello();
        return told(answer, "idSessionCarrello", idCarrello, "url", answer.getUrl());
    }

    private Map<String, Object> esitoCarrello() throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        PaaSILChiediEsitoCarrelloDovutiRisposta answer;
        do {
            Thread.sleep(200);
            answer = port.paaSILChiediEsitoCarrelloDovuti(
                new PaaSILChiediEsitoCarrelloDovuti(ENTE, PASSWORD, idCarrello));
            if (answer.getFault() != null) return told(answer);
        } while (Arrays.stream(answer.getListaCarrelli()).anyMatch(each -> each.getPagati() == null)
            && System.currentTimeMillis() < deadline);
        List<String> enti = new ArrayList<>(), iud = new ArrayList<>();
        for (RispostaCarrello each : answer.getListaCarrelli()) {
            enti.add(each.getCodIpaEnte());
            iud.add((String) pagato(each.getPagati()).get("iud"));
        }
        return values("enti", String.join(" ", enti), "iud", String.join(" ", iud));
    }

    private Map<String, Object> export() throws Exception {
        PaaSILPrenotaExportFlusso request = new PaaSILPrenotaExportFlusso();
        request.setPassword(PASSWORD);
        request.setDateFrom(today());
        request.setDateTo(today());
        PaaSILPrenotaExportFlussoRisposta answer = port.paaSILPrenotaExportFlusso(request, head);
        token = answer.getRequestToken();
        return told(answer, "requestToken", token);
    }

    private Map<String, Object> statoExport() throws Exception {
        PaaSILChiediStatoExportFlusso request = new PaaSILChiediStatoExportFlusso(PASSWORD, token);
        PaaSILChiediStatoExportFlussoRisposta answer = port.paaSILChiediStatoExportFlusso(request, head);
        return told(answer, "stato", answer.getStato());
    }

    private Map<String, Object> incrementale() throws Exception {
        PaaSILPrenotaExportFlussoIncrementaleConRicevuta request = new PaaSILPrenotaExportFlussoIncrementaleConRicevuta();
        request.setPassword(PASSWORD);
        request.setDateFrom(yesterday());
        request.setRicevuta(true);
        request.setIncrementale(true);
        PaaSILPrenotaExportFlussoIncrementaleConRicevutaRisposta answer =
            port.paaSILPrenotaExportFlussoIncrementaleConRicevuta(request, head);
        return told(answer, "requestToken", answer.getRequestToken(), "dateTo", answer.getDateTo().toInstant());
    }

    private Map<String, Object> scaduti() throws Exception {
        PaaSILPrenotaExportFlussoScaduti request = new PaaSILPrenotaExportFlussoScaduti();
        request.setPassword(PASSWORD);
        request.setDataScadenza(today());
        request.setTipiDovuto("ZTL");
        PaaSILPrenotaExportFlussoScadutiRisposta answer = port.paaSILPrenotaExportFlussoScaduti(request, head);
        token = answer.getRequestToken();
        return told(answer, "requestToken", token);
    }

    private Map<String, Object> statoScaduti() throws Exception {
        PaaSILChiediStatoExportFlussoScaduti request = new PaaSILChiediStatoExportFlussoScaduti();
        request.setPassword(PASSWORD);
        request.setRequestToken(token);
        PaaSILChiediStatoExportFlussoScadutiRisposta answer = port.paaSILChiediStatoExportFlussoScaduti(request, head);
        return told(answer, "stato", answer.getStato());
    }

    private Map<String, Object> autorizza() throws Exception {
        PaaSILAutorizzaImportFlusso request = new PaaSILAutorizzaImportFlusso();
        request.setPassword(PASSWORD);
        PaaSILAutorizzaImportFlussoRisposta answer = port.paaSILAutorizzaImportFlusso(request, head);
        token = answer.getRequestToken();
        return told(answer, "uploadUrl", answer.getUploadUrl(), "authorizationToken", answer.getAuthorizationToken(),
            "requestToken", token, "importPath", answer.getImportPath());
    }

    private Map<String, Object> statoImport() throws Exception {
        PaaSILChiediStatoImportFlusso request = new PaaSILChiediStatoImportFlusso();
        request.setRequestToken(token);
        request.setPassword(PASSWORD);
        request.setFileScarti(true);
        PaaSILChiediStatoImportFlussoRisposta answer = port.paaSILChiediStatoImportFlusso(request, head);
        return told(answer, "stato", answer.getStato());
    }

    private PaaSILInviaDovutiRisposta sendDovuti(String name) throws Exception {
        PaaSILInviaDovuti request = new PaaSILInviaDovuti();
        request.setPassword(PASSWORD);
        request.setDovuti(document(name)); // Axis writes base64Binary by itself
        request.setEnteSILInviaRispostaPagamentoUrl(text("ritorno"));
        request.setShowMyPay(StShowMyPay.SHORT);
        return port.paaSILInviaDovuti(request, head);
    }

    private PaaSILImportaDovutoRisposta importDovuto(String name, Boolean flagGeneraIuv) throws Exception {
        PaaSILImportaDovuto request = new PaaSILImportaDovuto();
        request.setPassword(PASSWORD);
        request.setDovuto(document(name));
        request.setFlagGeneraIuv(flagGeneraIuv);
        return port.paaSILImportaDovuto(request, head);
    }

    private PaaSILChiediPagatiRisposta askPagati() throws Exception {
        return port.paaSILChiediPagati(new PaaSILChiediPagati(ENTE, PASSWORD, idSession));
    }

    private PaaSILChiediPagatiConRicevutaRisposta askRicevuta() throws Exception {
        return port.paaSILChiediPagatiConRicevuta(
            new PaaSILChiediPagatiConRicevuta(ENTE, PASSWORD, idSession, null, null));
    }

    private static <T extends Risposta> T waitFor(Callable<T> ask) throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        for (;;) {
            T answer = ask.call();
            FaultBean fault = answer.getFault();
            if (fault == null) return answer;
            if (!NOT_YET.contains(fault.getFaultCode()) || System.currentTimeMillis() > deadline)
                throw new IllegalStateException(fault.getFaultCode() + ": " + fault.getDescription());
            Thread.sleep(200);
        }
    }

    /** Read `pagati`: Axis has taken off one level of base64, the document has one more. */
    private static Map<String, Object> pagato(byte[] content) {
        String document = new String(Base64.getDecoder().decode(content), StandardCharsets.UTF_8);
        return values(
            "esito", field(document, "codiceEsitoPagamento"),
            "importo", field(document, "importoTotalePagato"),
            "iud", field(document, "identificativoUnivocoDovuto"),
            "iur", field(document, "identificativoUnivocoRiscossione"),
            "causale", field(document, "causaleVersamento"));
    }

    private static String field(String document, String name) {
        Matcher found = Pattern.compile("<(?:\\w+:)?" + name + ">([^<]*)<").matcher(document);
        return found.find() ? found.group(1) : "";
    }

    private static String iud(byte[] document) {
        return field(new String(document, StandardCharsets.UTF_8), "identificativoUnivocoDovuto");
    }

    /** An absent list is null, not empty. */
    private static <T> List<T> listed(T[] list) {
        return list == null ? List.of() : Arrays.asList(list);
    }

    private CtIdentificativoUnivocoPersonaFG person() throws Exception {
        return new CtIdentificativoUnivocoPersonaFG(StTipoIdentificativoUnivocoPersFG.F, text("pagatore"));
    }

    /** xsd:date is a java.util.Date: the day of the machine's zone. */
    private Date today() throws Exception {
        return DAY.parse(text("oggi"));
    }

    /** xsd:dateTime is a Calendar, and goes out in UTC. */
    private static Calendar yesterday() {
        Calendar yesterday = Calendar.getInstance();
        yesterday.add(Calendar.DATE, -1);
        return yesterday;
    }

    private String text(String name) throws Exception {
        return Files.readString(folder.resolve(name)).trim();
    }

    private byte[] document(String name) throws Exception {
        return text(name).getBytes(StandardCharsets.UTF_8);
    }

    /** The fields of an answer by their name on the wire, or why it was refused. */
    private static Map<String, Object> told(Risposta answer, Object... fields) {
        FaultBean fault = answer.getFault();
        return fault == null
            ? values(fields)
            : values("codice", fault.getFaultCode(), "descrizione", fault.getDescription());
    }

    private static Map<String, Object> values(Object... pairs) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) values.put((String) pairs[i], pairs[i + 1]);
        return values;
    }

    private static String json(Map<String, Object> values) {
        return values.entrySet().stream()
            .map(each -> quote(each.getKey()) + ":" + quote(each.getValue()))
            .collect(Collectors.joining(",", "{", "}"));
    }

    private static String quote(Object value) {
        StringBuilder text = new StringBuilder("\"");
        for (char sign : String.valueOf(value).toCharArray())
            text.append(sign < ' ' || sign == '"' || sign == '\\' ? String.format("\\u%04x", (int) sign) : sign);
        return text.append('"').toString();
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Cliente cliente = new Cliente(arguments[0], Path.of(arguments[1]));
        for (String step : Arrays.asList(arguments).subList(2, arguments.length)) {
            Map<String, Object> values = values("passo", step);
            try {
                values.putAll(cliente.step(step));
            } catch (Exception error) { // a step that fails is told, and the story goes on
                values.put("errore", error.toString());
            }
            out.println(json(values));
        }
    }
}
