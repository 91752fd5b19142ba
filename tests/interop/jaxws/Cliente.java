import it.veneto.regione.pagamenti.ente.*;
import it.veneto.regione.pagamenti.ente.pagamentitelematicidovutipagati.PagamentiTelematiciDovutiPagati;
import it.veneto.regione.pagamenti.ente.pagamentitelematicidovutipagati.PagamentiTelematiciDovutiPagatiService;
import it.veneto.regione.pagamenti.ente.ppthead.IntestazionePPT;
import it.veneto.regione.schemas._2012.pagamenti.ente.*;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.stream.Collectors;
import javax.activation.DataHandler;
import javax.xml.bind.JAXB;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Holder;

/**
 * The story of tests/interop/story.py told by JAX-WS RI: java Cliente WSDL FOLDER STEP..., one line of JSON for each step.
 * The classes of the contract, documents included, are those that wsimport makes of the served WSDL.
 */
public final class Cliente {
    private static final String ENTE = "C_PROVA", PASSWORD = "Segreto12345";
    private static final Set<String> NOT_YET = Set.of("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO");
    private static final int TIMEOUT_MS = 30_000;

    private final PagamentiTelematiciDovutiPagati port;
    private final IntestazionePPT head = new IntestazionePPT();
    private final Path folder;
    private String idSession, iuv, idCarrello, token;

    private Cliente(String wsdl, Path folder) throws Exception {
        this.port = new PagamentiTelematiciDovutiPagatiService(new URL(wsdl)).getPagamentiTelematiciDovutiPagatiPort();
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put("com.sun.xml.ws.connect.timeout", TIMEOUT_MS);
        context.put("com.sun.xml.ws.request.timeout", TIMEOUT_MS);
        this.folder = folder;
        head.setCodIpaEnte(ENTE);
    }

    private Map<String, Object> step(String name) throws Exception {
        switch (name) {
            case "contratto": return values("operazioni", PagamentiTelematiciDovutiPagati.class.getMethods().length);
            case "invia": return invia();
            case "non_ancora": return fault(askRicevuta().fault);
            case "pagati": return pagato(waitFor(this::askPagati).pagati(CtPagati.class));
            case "ricevuta": return ricevuta();
            case "rifiuto": return fault(sendDovuti("rifiuto.xml").getFault());
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
        Esito esito = waitFor(this::askRicevuta);
        CtPagatiConRicevuta document = esito.pagati(CtPagatiConRicevuta.class);
        CtDatiVersamentoPagatiConRicevuta payment = document.getDatiPagamento();
        CtDatiSingoloPagamentoPagatiConRicevuta single = payment.getDatiSingoloPagamento().get(0);
        return values(
            "esito", payment.getCodiceEsitoPagamento(),
            "importo", payment.getImportoTotalePagato().toPlainString(),
            "iud", single.getIdentificativoUnivocoDovuto(),
            "iur", single.getIdentificativoUnivocoRiscossione(),
            "causale", single.getCausaleVersamento(),
            "rt_byte", bytes(esito.rt).length);
    }

    private static Map<String, Object> pagato(CtPagati document) {
        CtDatiVersamentoPagati payment = document.getDatiPagamento();
        CtDatiSingoloPagamentoPagati single = payment.getDatiSingoloPagamento().get(0);
        return values(
            "esito", payment.getCodiceEsitoPagamento(),
            "importo", payment.getImportoTotalePagato().toPlainString(),
            "iud", single.getIdentificativoUnivocoDovuto(),
            "iur", single.getIdentificativoUnivocoRiscossione(),
            "causale", single.getCausaleVersamento());
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
        Holder<FaultBean> fault = new Holder<>();
        Holder<List<PaaSILPosizioniAperte>> open = new Holder<>();
        port.paaSILChiediPosizioniAperte(PASSWORD, ENTE, person(), fault, open);
        if (fault.value != null) return fault(fault.value);
        List<String> iud = new ArrayList<>();
        for (PaaSILPosizioniAperte each : open.value) iud.add(iud(each.getDovuti()));
        return values("iud", String.join(" ", iud));
    }

    private Map<String, Object> avvisi() throws Exception {
        Holder<FaultBean> fault = new Holder<>();
        Holder<List<PaaSILAvvisoPendente>> open = new Holder<>();
        port.paaSILChiediAvvisiPendenti(PASSWORD, ENTE, today(), today(), fault, open);
        if (fault.value != null) return fault(fault.value);
        List<String> iud = new ArrayList<>(), giorni = new ArrayList<>();
        for (PaaSILAvvisoPendente each : open.value) {
            iud.add(iud(each.getDovuti()));
            giorni.add(each.getDtCreazioneCodIuv().toXMLFormat());
        }
        return values("iud", String.join(" ", iud), "giorni", String.join(" ", giorni));
    }

    private Map<String, Object> registra() throws Exception {
        Holder<FaultBean> fault = new Holder<>();
        Holder<String> esito = new Holder<>();
        port.paaSILRegistraPagamento(
            ENTE, PASSWORD, importDovuto("registra.xml", true).getIdentificativoUnivocoVersamento(), null,
            new BigDecimal("40.50"), today(), 1, "TESORERIA-17", "G", "TESORERIA", "Tesoreria comunale", fault, esito);
        return fault.value != null ? fault(fault.value) : values("esito", esito.value);
    }

    private Map<String, Object> storico() throws Exception {
        Holder<FaultBean> fault = new Holder<>();
        Holder<XMLGregorianCalendar> until = new Holder<>();
        Holder<List<PaaSILStoricoPagamenti>> past = new Holder<>();
        port.paaSILChiediStoricoPagamenti(PASSWORD, ENTE, person(), midnight(), null, fault, until, past);
        if (fault.value != null) return fault(fault.value);
        List<String> iud = new ArrayList<>();
        for (PaaSILStoricoPagamenti each : past.value) {
            byte[] xml = bytes(each.getCtPagatiConRicevuta());
            CtPagatiConRicevuta paid = JAXB.unmarshal(new ByteArrayInputStream(xml), CtPagatiConRicevuta.class);
            iud.add(paid.getDatiPagamento().getDatiSingoloPagamento().get(0).getIdentificativoUnivocoDovuto());
        }
        return values("dateTo", until.value.toXMLFormat(), "iud", String.join(" ", iud));
    }

    private Map<String, Object> verifica() {
        PaaSILVerificaAvviso request = new PaaSILVerificaAvviso();
        request.setPassword(PASSWORD);
        request.setIdentificativoUnivocoVersamento(iuv);
        PaaSILVerificaAvvisoRisposta answer = port.paaSILVerificaAvviso(request, head);
        return told(answer, "idSession", answer.getIdSession(), "url", answer.getUrl());
    }

    private Map<String, Object> carrello() throws Exception {
        ListaDovuti list = new ListaDovuti();
        for (String ente : text("carrello").split(" ")) {
            ElementoListaDovuti element = new ElementoListaDovuti();
            element.setCodIpaEnte(ente);
            element.setPassword(text("carrello-" + ente + ".segreto"));
            element.setDovuti(document("carrello-" + ente + ".xml"));
            list.getElementoListaDovuti().add(element);
        }
        PaaSILInviaCarrelloDovuti request = new PaaSILInviaCarrelloDovuti();
        request.setPassword(PASSWORD);
        request.setListaDovuti(list);
        PaaSILInviaCarrelloDovutiRisposta answer = port.paaSILInviaCarrelloDovuti(request, head);
        idCarrello = answer.getIdSessionCarrello();
        return told(answer, "idSessionCarrello", idCarrello, "url", answer.getUrl());
    }

    private Map<String, Object> esitoCarrello() throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        Holder<FaultBean> fault = new Holder<>();
        Holder<ListaCarrelli> found = new Holder<>();
        do {
            Thread.sleep(200);
            port.paaSILChiediEsitoCarrelloDovuti(ENTE, PASSWORD, idCarrello, fault, found);
            if (fault.value != null) return fault(fault.value);
        } while (found.value.getRispostaCarrello().stream().anyMatch(each -> each.getPagati() == null)
            && System.currentTimeMillis() < deadline);
        List<String> enti = new ArrayList<>(), iud = new ArrayList<>();
        for (RispostaCarrello each : found.value.getRispostaCarrello()) {
            enti.add(each.getCodIpaEnte());
            CtPagatiConRicevuta paid = decode(each.getPagati(), CtPagatiConRicevuta.class);
            iud.add(paid.getDatiPagamento().getDatiSingoloPagamento().get(0).getIdentificativoUnivocoDovuto());
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

    private Map<String, Object> statoExport() {
        PaaSILChiediStatoExportFlusso request = new PaaSILChiediStatoExportFlusso();
        request.setPassword(PASSWORD);
        request.setRequestToken(token);
        PaaSILChiediStatoExportFlussoRisposta answer = port.paaSILChiediStatoExportFlusso(request, head);
        return told(answer, "stato", answer.getStato());
    }

    private Map<String, Object> incrementale() throws Exception {
        PaaSILPrenotaExportFlussoIncrementaleConRicevuta request = new PaaSILPrenotaExportFlussoIncrementaleConRicevuta();
        request.setPassword(PASSWORD);
        request.setDateFrom(midnight());
        request.setRicevuta(true);
        request.setIncrementale(true);
        PaaSILPrenotaExportFlussoIncrementaleConRicevutaRisposta answer =
            port.paaSILPrenotaExportFlussoIncrementaleConRicevuta(request, head);
        return told(answer, "requestToken", answer.getRequestToken(), "dateTo", answer.getDateTo());
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
        request.setDovuti(document(name)); // JAXB writes base64Binary by itself
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

    /** What the two questions about a session answer; as DataHandler, because the contract speaks of a media type. */
    private static final class Esito {
        FaultBean fault;
        DataHandler pagati, rt;

        <T> T pagati(Class<T> type) throws Exception {
            return decode(pagati, type);
        }
    }

    private interface Question {
        Esito ask();
    }

    private Esito askPagati() {
        Holder<FaultBean> fault = new Holder<>();
        Holder<DataHandler> pagati = new Holder<>();
        port.paaSILChiediPagati(ENTE, PASSWORD, idSession, fault, pagati);
        return esito(fault, pagati, new Holder<>());
    }

    private Esito askRicevuta() {
        Holder<FaultBean> fault = new Holder<>();
        Holder<DataHandler> pagati = new Holder<>(), rt = new Holder<>();
        port.paaSILChiediPagatiConRicevuta(
            ENTE, PASSWORD, idSession, null, null, fault, pagati, new Holder<>(), rt);
        return esito(fault, pagati, rt);
    }

    private static Esito esito(Holder<FaultBean> fault, Holder<DataHandler> pagati, Holder<DataHandler> rt) {
        Esito esito = new Esito();
        esito.fault = fault.value;
        esito.pagati = pagati.value;
        esito.rt = rt.value;
        return esito;
    }

    private static Esito waitFor(Question question) throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        for (;;) {
            Esito esito = question.ask();
            if (esito.fault == null) return esito;
            if (!NOT_YET.contains(esito.fault.getFaultCode()) || System.currentTimeMillis() > deadline)
                throw new IllegalStateException(esito.fault.getFaultCode() + ": " + esito.fault.getDescription());
            Thread.sleep(200);
        }
    }

    /** Read `pagati`: JAX-WS has taken off one level of base64, the document has one more. */
    private static <T> T decode(DataHandler content, Class<T> type) throws Exception {
        return JAXB.unmarshal(new ByteArrayInputStream(Base64.getDecoder().decode(bytes(content))), type);
    }

    private static byte[] bytes(DataHandler content) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        content.writeTo(bytes);
        return bytes.toByteArray();
    }

    private static String iud(DataHandler content) throws Exception {
        CtDovuti dovuti = JAXB.unmarshal(new ByteArrayInputStream(bytes(content)), CtDovuti.class);
        return dovuti.getDatiVersamento().getDatiSingoloVersamento().get(0).getIdentificativoUnivocoDovuto();
    }

    private CtIdentificativoUnivocoPersonaFG person() throws Exception {
        CtIdentificativoUnivocoPersonaFG person = new CtIdentificativoUnivocoPersonaFG();
        person.setTipoIdentificativoUnivoco(StTipoIdentificativoUnivocoPersFG.F);
        person.setCodiceIdentificativoUnivoco(text("pagatore"));
        return person;
    }

    private XMLGregorianCalendar today() throws Exception {
        return DatatypeFactory.newInstance().newXMLGregorianCalendar(text("oggi"));
    }

    private XMLGregorianCalendar midnight() throws Exception {
        return DatatypeFactory.newInstance().newXMLGregorianCalendar(text("oggi") + "T00:00:00");
    }

    private String text(String name) throws Exception {
        return Files.readString(folder.resolve(name)).trim();
    }

    private byte[] document(String name) throws Exception {
        return text(name).getBytes(StandardCharsets.UTF_8);
    }

    /** The fields of an answer by their name on the wire, or why it was refused. */
    private static Map<String, Object> told(Risposta answer, Object... fields) {
        return answer.getFault() == null ? values(fields) : fault(answer.getFault());
    }

    private static Map<String, Object> fault(FaultBean fault) {
        return values("codice", fault.getFaultCode(), "descrizione", fault.getDescription());
    }

    private static Map<String, Object> values(Object... pairs) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) values.put((String) pairs[i], pairs[i + 1]);
        return values;
    }

    private static String json(Map<String, Object> values) {
        return values.entrySet().stream()
            .map(each -> quote(each.getKey()) + ":" + (each.getValue() instanceof Integer ? each.getValue() : quote(each.getValue())))
            .collect(Collectors.joining(",", "{", "}"));
    }

    private static String quote(Object value) {
        if (value == null) return "null";
        StringBuilder text = new StringBuilder("\"");
        for (char sign : value.toString().toCharArray())
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
