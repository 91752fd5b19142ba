/* The story of tests/interop/story.py told by gSOAP: cliente WSDL FOLDER STEP..., one line of JSON for each step.
   The types and the proxy are those that wsdl2h and soapcpp2 make of the served WSDL, documents included. */
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "PagamentiTelematiciDovutiPagatiBinding.nsmap"
#include "soapPagamentiTelematiciDovutiPagatiBindingProxy.h"

using std::string;
using Clock = std::chrono::steady_clock;
using Values = std::map<string, string>;

static const string ENTE = "C_PROVA", PASSWORD = "Segreto12345";
static const std::set<string> NOT_YET = {"PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO"};
static const int TIMEOUT_S = 30;

static bool expired(Clock::time_point since) { return Clock::now() - since > std::chrono::seconds(TIMEOUT_S); }
static void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(200)); }
static string value(const string *text) { return text ? *text : string(); }
static string bytes(const xsd__base64Binary *content) {
    return content ? string(reinterpret_cast<const char *>(content->__ptr), content->__size) : string();
}

class Cliente {
    string address; // the proxy keeps the pointer, not the text
    PagamentiTelematiciDovutiPagatiBindingProxy port;
    soap *context;
    string folder, id_session, iuv, id_carrello, token;

public:
    Cliente(const string &wsdl, const string &folder)
        : address(wsdl.substr(0, wsdl.find('?'))), port(address.c_str(), SOAP_C_UTFSTRING), context(port.soap), folder(folder) {
        context->connect_timeout = context->recv_timeout = context->send_timeout = TIMEOUT_S;
    }

    Values step(const string &name) {
        static const std::map<string, Values (Cliente::*)()> STEPS = {
            {"contratto", &Cliente::contratto}, {"invia", &Cliente::invia}, {"non_ancora", &Cliente::non_ancora},
            {"pagati", &Cliente::pagati}, {"ricevuta", &Cliente::ricevuta}, {"rifiuto", &Cliente::rifiuto},
            {"importa", &Cliente::importa}, {"modifica", &Cliente::modifica}, {"posizioni", &Cliente::posizioni},
            {"verifica", &Cliente::verifica}, {"annulla", &Cliente::annulla}, {"carrello", &Cliente::carrello},
            {"esito_carrello", &Cliente::esito_carrello}, {"export", &Cliente::prenota_export},
            {"stato_export", &Cliente::stato_export}, {"incrementale", &Cliente::incrementale},
            {"scaduti", &Cliente::scaduti}, {"stato_scaduti", &Cliente::stato_scaduti},
            {"autorizza", &Cliente::autorizza}, {"stato_import", &Cliente::stato_import},
            {"avvisi", &Cliente::avvisi}, {"registra", &Cliente::registra}, {"storico", &Cliente::storico},
        };
        return (this->*STEPS.at(name))();
    }

private:
    // The contract was read by wsdl2h and compiled: there is nothing more to load, nor to count.
    Values contratto() { return {}; }

    Values invia() {
        ente__paaSILInviaDovutiRisposta answer;
        send_dovuti("dovuti.xml", answer);
        id_session = value(answer.idSession);
        return told(answer, {{"idSession", id_session}, {"url", value(answer.url)}});
    }

    Values non_ancora() {
        ente__paaSILChiediPagatiConRicevutaRisposta answer;
        ask_ricevuta(answer);
        return told(answer, {});
    }

    Values pagati() {
        ente__paaSILChiediPagatiRisposta answer;
        wait(answer, [&] {
            ente__paaSILChiediPagati request;
            request.codIpaEnte = ENTE;
            request.password = text(PASSWORD);
            request.idSession = id_session;
            done(port.paaSILChiediPagati(&request, answer));
        });
        documenti__ctPagati document;
        read(answer.pagati, document, soap_read_documenti__ctPagati);
        return pagato(document);
    }

    Values ricevuta() {
        ente__paaSILChiediPagatiConRicevutaRisposta answer;
        wait(answer, [&] { ask_ricevuta(answer); });
        documenti__ctPagatiConRicevuta document;
        read(answer.pagati, document, soap_read_documenti__ctPagatiConRicevuta);
        Values values = pagato(document);
        values["rt_byte"] = std::to_string(answer.rt->__size);
        return values;
    }

    Values rifiuto() {
        ente__paaSILInviaDovutiRisposta answer;
        send_dovuti("rifiuto.xml", answer);
        return told(answer, {});
    }

    Values importa() {
        ente__paaSILImportaDovutoRisposta answer;
        import_dovuto("importa-i.xml", nullptr, answer);
        return told(answer, {{"esito", value(answer.esito)}});
    }

    Values modifica() {
        bool flag = true;
        ente__paaSILImportaDovutoRisposta answer;
        import_dovuto("importa-m.xml", &flag, answer);
        iuv = value(answer.identificativoUnivocoVersamento);
        return told(answer, {{"identificativoUnivocoVersamento", iuv}, {"urlFileAvviso", value(answer.urlFileAvviso)}});
    }

    Values posizioni() {
        ente__paaSILChiediPosizioniAperte request;
        request.password = text(PASSWORD);
        request.codIpaEnte = text(ENTE);
        request.identificativoUnivocoPersonaFG = person();
        ente__paaSILChiediPosizioniAperteRisposta answer;
        done(port.paaSILChiediPosizioniAperte(&request, answer));
        string found;
        for (const auto *each : answer.paaSILPosizioniAperte) append(found, iud(&each->dovuti));
        return told(answer, {{"iud", found}});
    }

    Values avvisi() {
        ente__paaSILChiediAvvisiPendenti request;
        request.password = text(PASSWORD);
        request.codIpaEnte = ENTE;
        request.dateFrom = request.dateTo = file("oggi");
        ente__paaSILChiediAvvisiPendentiRisposta answer;
        done(port.paaSILChiediAvvisiPendenti(&request, answer));
        string found, giorni;
        for (const auto *each : answer.paaSILAvvisoPendente) {
            append(found, iud(each->dovuti));
            append(giorni, each->dtCreazioneCodIuv);
        }
        return told(answer, {{"iud", found}, {"giorni", giorni}});
    }

    Values registra() {
        bool flag = true;
        ente__paaSILImportaDovutoRisposta imported;
        import_dovuto("registra.xml", &flag, imported);
        string index = "1";
        ente__paaSILRegistraPagamento request;
        request.codIpaEnte = ENTE;
        request.password = text(PASSWORD);
        request.identificativoUnivocoVersamento = value(imported.identificativoUnivocoVersamento);
        request.singoloImportoPagato = "40.50"; // xsd:decimal is text for gSOAP
        request.dataEsitoSingoloPagamento = file("oggi");
        request.indiceDatiSingoloPagamento = &index;
        request.identificativoUnivocoRiscossione = "TESORERIA-17";
        request.tipoIstitutoAttestante = "G";
        request.codiceIstitutiAttestante = "TESORERIA";
        request.denominazioneAttestante = "Tesoreria comunale";
        ente__paaSILRegistraPagamentoRisposta answer;
        done(port.paaSILRegistraPagamento(&request, answer));
        return told(answer, {{"esito", value(answer.esito)}});
    }

    Values storico() {
        ente__paaSILChiediStoricoPagamenti request;
        request.password = text(PASSWORD);
        request.codIpaEnte = text(ENTE);
        request.identificativoUnivocoPersonaFG = person();
        request.dataFrom = yesterday();
        ente__paaSILChiediStoricoPagamentiRisposta answer;
        done(port.paaSILChiediStoricoPagamenti(&request, answer));
        string found;
        for (const auto *each : answer.paaSILStoricoPagamenti) {
            documenti__ctPagatiConRicevuta document;
            read(bytes(each->ctPagatiConRicevuta), document, soap_read_documenti__ctPagatiConRicevuta);
            append(found, pagato(document).at("iud"));
        }
        return told(answer, {{"dateTo", soap_dateTime2s(context, answer.dateTo)}, {"iud", found}});
    }

    Values verifica() {
        ente__paaSILVerificaAvviso request;
        request.password = text(PASSWORD);
        request.identificativoUnivocoVersamento = iuv;
        ente__paaSILVerificaAvvisoRisposta answer;
        head();
        done(port.paaSILVerificaAvviso(&request, answer));
        return told(answer, {{"idSession", value(answer.idSession)}, {"url", value(answer.url)}});
    }

    Values annulla() {
        ente__paaSILImportaDovutoRisposta answer;
        import_dovuto("importa-a.xml", nullptr, answer);
        return told(answer, {{"esito", value(answer.esito)}});
    }

    Values carrello() {
        ente__listaDovuti list;
        std::istringstream enti(file("carrello"));
        for (string ente; enti >> ente;) {
            auto *element = soap_new_ente__elementoListaDovuti(context);
            element->codIpaEnte = ente;
            element->password = file("carrello-" + ente + ".segreto");
            element->dovuti = binary(file("carrello-" + ente + ".xml"));
            list.elementoListaDovuti.push_back(element);
        }
        ente__paaSILInviaCarrelloDovuti request;
        request.password = PASSWORD;
        request.listaDovuti = &list;
        ente__paaSILInviaCarrelloDovutiRisposta answer;
        head();
        done(port.paaSILInviaCarrelloDovuti(&request, answer));
        id_carrello = value(answer.idSessionCarrello);
        return told(answer, {{"idSessionCarrello", id_carrello}, {"url", value(answer.url)}});
    }

    Values esito_carrello() {
        ente__paaSILChiediEsitoCarrelloDovuti request;
        request.codIpaEnte = ENTE;
        request.password = text(PASSWORD);
        request.idSessionCarrello = id_carrello;
        const auto since = Clock::now();
        for (;; rest()) {
            ente__paaSILChiediEsitoCarrelloDovutiRisposta answer;
            done(port.paaSILChiediEsitoCarrelloDovuti(&request, answer));
            if (answer.fault) return told(answer, {});
            string enti, iud;
            bool all = true;
            for (const auto *each : answer.listaCarrelli->rispostaCarrello) {
                if (!(all = all && each->pagati)) break;
                documenti__ctPagatiConRicevuta document;
                read(each->pagati, document, soap_read_documenti__ctPagatiConRicevuta);
                append(enti, each->codIpaEnte);
                append(iud, pagato(document).at("iud"));
            }
            if (all || expired(since)) return {{"enti", enti}, {"iud", iud}};
        }
    }

    Values prenota_export() {
        ente__paaSILPrenotaExportFlusso request;
        request.password = text(PASSWORD);
        request.dateFrom = request.dateTo = file("oggi");
        ente__paaSILPrenotaExportFlussoRisposta answer;
        head();
        done(port.paaSILPrenotaExportFlusso(&request, answer));
        token = answer.requestToken;
        return told(answer, {{"requestToken", token}});
    }

    Values stato_export() {
        ente__paaSILChiediStatoExportFlusso request;
        request.password = text(PASSWORD);
        request.requestToken = token;
        ente__paaSILChiediStatoExportFlussoRisposta answer;
        head();
        done(port.paaSILChiediStatoExportFlusso(&request, answer));
        return told(answer, {{"stato", answer.stato}});
    }

    Values incrementale() {
        ente__paaSILPrenotaExportFlussoIncrementaleConRicevuta request;
        request.password = text(PASSWORD);
        request.dateFrom = yesterday();
        request.ricevuta = request.incrementale = true;
        ente__paaSILPrenotaExportFlussoIncrementaleConRicevutaRisposta answer;
        head();
        done(port.paaSILPrenotaExportFlussoIncrementaleConRicevuta(&request, answer));
        return told(answer, {{"requestToken", answer.requestToken}, {"dateTo", soap_dateTime2s(context, answer.dateTo)}});
    }

    Values scaduti() {
        ente__paaSILPrenotaExportFlussoScaduti request;
        request.password = text(PASSWORD);
        request.dataScadenza = file("oggi");
        request.tipiDovuto = "ZTL";
        ente__paaSILPrenotaExportFlussoScadutiRisposta answer;
        head();
        done(port.paaSILPrenotaExportFlussoScaduti(&request, answer));
        token = answer.requestToken;
        return told(answer, {{"requestToken", token}});
    }

    Values stato_scaduti() {
        ente__paaSILChiediStatoExportFlussoScaduti request;
        request.password = text(PASSWORD);
        request.requestToken = token;
        ente__paaSILChiediStatoExportFlussoScadutiRisposta answer;
        head();
        done(port.paaSILChiediStatoExportFlussoScaduti(&request, answer));
        return told(answer, {{"stato", answer.stato}});
    }

    Values autorizza() {
        ente__paaSILAutorizzaImportFlusso request;
        request.password = text(PASSWORD);
        ente__paaSILAutorizzaImportFlussoRisposta answer;
        head();
        done(port.paaSILAutorizzaImportFlusso(&request, answer));
        token = answer.requestToken;
        return told(answer, {
            {"uploadUrl", answer.uploadUrl}, {"authorizationToken", answer.authorizationToken},
            {"requestToken", token}, {"importPath", answer.importPath},
        });
    }

    Values stato_import() {
        bool wanted = true;
        ente__paaSILChiediStatoImportFlusso request;
        request.requestToken = token;
        request.password = text(PASSWORD);
        request.fileScarti = &wanted;
        ente__paaSILChiediStatoImportFlussoRisposta answer;
        head();
        done(port.paaSILChiediStatoImportFlusso(&request, answer));
        return told(answer, {{"stato", answer.stato}});
    }

    // codIpaEnte in the SOAP header of the next call; gSOAP marks it mustUnderstand, as wsdl2h does by default.
    void head() {
        context->header = soap_new_SOAP_ENV__Header(context);
        context->header->ppthead__intestazionePPT = soap_new__ppthead__intestazionePPT(context);
        context->header->ppthead__intestazionePPT->codIpaEnte = ENTE;
    }

    void done(int status) {
        context->header = nullptr;
        if (status == SOAP_OK) return;
        std::ostringstream words;
        soap_stream_fault(context, words);
        throw std::runtime_error(words.str());
    }

    void send_dovuti(const string &name, ente__paaSILInviaDovutiRisposta &answer) {
        auto show = ente__stShowMyPay::SHORT;
        ente__paaSILInviaDovuti request;
        request.password = text(PASSWORD);
        request.dovuti = binary(file(name)); // gSOAP writes base64Binary by itself
        request.enteSILInviaRispostaPagamentoUrl = text(file("ritorno"));
        request.showMyPay = &show;
        head();
        done(port.paaSILInviaDovuti(&request, answer));
    }

    void import_dovuto(const string &name, bool *flag, ente__paaSILImportaDovutoRisposta &answer) {
        ente__paaSILImportaDovuto request;
        request.password = text(PASSWORD);
        request.dovuto = binary(file(name));
        request.flagGeneraIuv = flag;
        head();
        done(port.paaSILImportaDovuto(&request, answer));
    }

    void ask_ricevuta(ente__paaSILChiediPagatiConRicevutaRisposta &answer) {
        ente__paaSILChiediPagatiConRicevuta request;
        request.codIpaEnte = ENTE;
        request.password = text(PASSWORD);
        request.idSession = text(id_session);
        done(port.paaSILChiediPagatiConRicevuta(&request, answer));
    }

    template <class Answer> void wait(Answer &answer, const std::function<void()> &ask) {
        const auto since = Clock::now();
        for (ask(); answer.fault; rest(), ask())
            if (!NOT_YET.count(answer.fault->faultCode) || expired(since))
                throw std::runtime_error(answer.fault->faultCode + ": " + value(answer.fault->description));
    }

    /* Read `pagati`: gSOAP has taken off one level of base64, the document has one more. */
    template <class Document>
    void read(const xsd__base64Binary *content, Document &document, int (*reader)(soap *, Document *)) {
        int size = 0;
        const char *xml = soap_base642s(context, bytes(content).c_str(), nullptr, 0, &size);
        if (!xml) throw std::runtime_error("pagati is not base64 of base64");
        read(string(xml, size), document, reader);
    }

    template <class Document>
    void read(const string &xml, Document &document, int (*reader)(soap *, Document *)) {
        std::istringstream stream(xml);
        context->is = &stream;
        const int status = reader(context, &document);
        context->is = nullptr;
        done(status);
    }

    template <class Document> Values pagato(const Document &document) {
        const auto *payment = document.datiPagamento;
        const auto *single = payment->datiSingoloPagamento.at(0);
        return {
            {"esito", soap_documenti__stCodiceEsitoPagamento2s(context, payment->codiceEsitoPagamento)},
            {"importo", payment->importoTotalePagato},
            {"iud", single->identificativoUnivocoDovuto},
            {"iur", single->identificativoUnivocoRiscossione},
            {"causale", single->causaleVersamento},
        };
    }

    // The fields of an answer by their name on the wire, or why it was refused.
    static Values told(const ente__risposta &answer, const Values &fields) {
        if (!answer.fault) return fields;
        return {{"codice", answer.fault->faultCode}, {"descrizione", value(answer.fault->description)}};
    }

    static void append(string &list, const string &item) { list += (list.empty() ? "" : " ") + item; }

    // xsd:dateTime is a time_t, and goes out in UTC.
    static time_t yesterday() { return time(nullptr) - 24 * 60 * 60; }

    string iud(const xsd__base64Binary *content) {
        documenti__ctDovuti document;
        read(bytes(content), document, soap_read_documenti__ctDovuti);
        return document.datiVersamento->datiSingoloVersamento.at(0)->identificativoUnivocoDovuto;
    }

    documenti__ctIdentificativoUnivocoPersonaFG *person() {
        auto *person = soap_new_documenti__ctIdentificativoUnivocoPersonaFG(context);
        person->tipoIdentificativoUnivoco = documenti__stTipoIdentificativoUnivocoPersFG::F;
        person->codiceIdentificativoUnivoco = file("pagatore");
        return person;
    }

    string file(const string &name) {
        std::ifstream stream(folder + "/" + name, std::ios::binary);
        std::ostringstream content;
        content << stream.rdbuf();
        const string text = content.str();
        return text.substr(0, text.find_last_not_of(" \n") + 1);
    }

    // An optional element is a pointer: its text lives as long as the context.
    string *text(const string &content) {
        string *kept = soap_new_std__string(context);
        return &(*kept = content);
    }

    xsd__base64Binary binary(const string &content) {
        xsd__base64Binary binary;
        binary.__size = static_cast<int>(content.size());
        binary.__ptr = static_cast<unsigned char *>(soap_malloc(context, content.size()));
        std::copy(content.begin(), content.end(), binary.__ptr);
        return binary;
    }
};

static string quoted(const string &text) {
    static const char HEX[] = "0123456789abcdef";
    string quoted = "\"";
    for (unsigned char sign : text)
        if (sign < ' ' || sign == '"' || sign == '\\')
            quoted += string("\\u00") + HEX[sign >> 4] + HEX[sign & 15];
        else
            quoted += static_cast<char>(sign);
    return quoted + '"';
}

int main(int count, char **arguments) {
    Cliente cliente(arguments[1], arguments[2]);
    for (int i = 3; i < count; i++) {
        Values values;
        try {
            values = cliente.step(arguments[i]);
        } catch (const std::exception &error) { // a step that fails is told, and the story goes on
            values = {{"errore", error.what()}};
        }
        std::cout << "{\"passo\":" << quoted(arguments[i]);
        for (const auto &each : values) std::cout << ',' << quoted(each.first) << ':' << quoted(each.second);
        std::cout << "}" << std::endl;
    }
}
