using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

/// <summary>
/// Un programma di mensa scolastica che chiede di essere pagato, con la sola libreria di base: .NET 6 o successivo, o Mono.
///
/// Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
/// paaSILChiediPagatiConRicevuta finché non c'è:
///
///     dotnet run -- --servizio http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati
///     mcs -r:System.Net.Http -r:System.Xml.Linq Mensa.cs &amp;&amp; mono Mensa.exe
///
/// Opzioni: --ente, --password, --iud, --importo, --attesa SECONDI, --json (una riga JSON per ogni passo). Esce con 0 se
/// il dovuto è pagato, con 1 se è rifiutato o non pagato. Chi preferisce le classi generate usa dotnet-svcutil sul WSDL.
/// </summary>
public static class Mensa
{
    private const string Servizio = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati";
    private static readonly XNamespace Soap = "http://schemas.xmlsoap.org/soap/envelope/";
    private static readonly XNamespace Ente = "http://www.regione.veneto.it/pagamenti/ente/";
    private static readonly XNamespace Testata = "http://www.regione.veneto.it/pagamenti/ente/ppthead";
    private static readonly XNamespace Dovuti = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/";

    /// <summary>Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive.</summary>
    private static readonly string[] NonAncora = { "PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO" };

    /// <summary>L'hub ha rifiutato: il codice dice che cosa, il testo perché.</summary>
    public sealed class Rifiuto : Exception
    {
        public Rifiuto(string codice, string testo) : base(codice + ": " + testo) { }
    }

    /// <summary>L'hub visto dalla mensa: due operazioni del contratto.</summary>
    public sealed class Portale
    {
        // Senza limiti di tempo un programma aspetta per sempre.
        private readonly HttpClient http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        private readonly string servizio;
        private readonly string ente;
        private readonly string password;

        public Portale(string servizio, string ente, string password)
        {
            this.servizio = servizio;
            this.ente = ente;
            this.password = password;
        }

        /// <summary>Invia un documento Dovuti; restituisce idSession e url della pagina a cui si paga.</summary>
        public async Task<(string IdSession, string Url)> Invia(XElement documento, string urlRitorno = "")
        {
            // codIpaEnte viaggia nella testata; gli elementi dentro la testata e il corpo sono senza namespace.
            var testata = new XElement(Testata + "intestazionePPT", new XElement("codIpaEnte", ente));
            var risposta = await Chiama("paaSILInviaDovuti", testata,
                new XElement("password", password),
                new XElement("dovuti", Convert.ToBase64String(Encoding.UTF8.GetBytes(documento.ToString()))),
                new XElement("enteSILInviaRispostaPagamentoUrl", urlRitorno));
            Controlla(risposta);
            return (Campo(risposta, "idSession"), Campo(risposta, "url"));
        }

        /// <summary>Restituisce il documento PagatiConRicevuta, o null se non c'è ancora.</summary>
        public async Task<XDocument> Chiedi(string idSession)
        {
            var risposta = await Chiama("paaSILChiediPagatiConRicevuta", null,
                new XElement("codIpaEnte", ente),
                new XElement("password", password),
                new XElement("idSession", idSession));
            if (NonAncora.Contains(Campo(risposta, "faultCode"))) return null;
            Controlla(risposta);
            return Leggi(Decodifica(Campo(risposta, "pagati")));
        }

        private async Task<XDocument> Chiama(string operazione, XElement testata, params XElement[] campi)
        {
            var busta = new XElement(Soap + "Envelope",
                new XElement(Soap + "Header", testata),
                new XElement(Soap + "Body", new XElement(Ente + operazione, campi)));
            var richiesta = new HttpRequestMessage(HttpMethod.Post, servizio)
            {
                Content = new StringContent(busta.ToString(SaveOptions.DisableFormatting), Encoding.UTF8, "text/xml"),
            };
            richiesta.Headers.Add("SOAPAction", "\"" + operazione + "\"");
            using (var risposta = await http.SendAsync(richiesta))
            {
                // Un rifiuto del contratto è una risposta come le altre; il 500 porta un SOAP Fault, il resto non è XML.
                if (risposta.StatusCode != HttpStatusCode.OK && risposta.StatusCode != HttpStatusCode.InternalServerError)
                    throw new HttpRequestException("HTTP " + (int)risposta.StatusCode);
                return Leggi(await risposta.Content.ReadAsByteArrayAsync());
            }
        }

        private static void Controlla(XDocument risposta)
        {
            var codice = Campo(risposta, "faultCode");
            if (codice != "")
            {
                var testo = Campo(risposta, "description");
                throw new Rifiuto(codice, testo != "" ? testo : Campo(risposta, "faultString"));
            }
            // faultcode, tutto minuscolo, è quello di un SOAP Fault.
            if (Campo(risposta, "faultcode") != "")
                throw new Rifiuto(Campo(risposta, "faultcode"), Campo(risposta, "faultstring"));
        }
    }

    /// <summary>
    /// Scrive il documento Dovuti. L'ordine degli elementi conta; quelli senza valore si omettono. Lo IUD è dell'ente e
    /// non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due decimali, con il punto.
    /// </summary>
    public static XElement DocumentoDovuti(string iud, decimal importo)
    {
        return new XElement(Dovuti + "Dovuti",
            new XElement(Dovuti + "versioneOggetto", "6.2.0"),
            new XElement(Dovuti + "soggettoPagatore",
                new XElement(Dovuti + "identificativoUnivocoPagatore",
                    new XElement(Dovuti + "tipoIdentificativoUnivoco", "F"),
                    new XElement(Dovuti + "codiceIdentificativoUnivoco", "RSSMRA80A01H501U")),
                new XElement(Dovuti + "anagraficaPagatore", "Mario Rossi"),
                new XElement(Dovuti + "e-mailPagatore", "mario.rossi@example.org")),
            new XElement(Dovuti + "datiVersamento",
                new XElement(Dovuti + "tipoVersamento", "ALL"),
                new XElement(Dovuti + "datiSingoloVersamento",
                    new XElement(Dovuti + "identificativoUnivocoDovuto", iud),
                    new XElement(Dovuti + "importoSingoloVersamento", importo.ToString("0.00", CultureInfo.InvariantCulture)),
                    new XElement(Dovuti + "identificativoTipoDovuto", "MENSA"),
                    new XElement(Dovuti + "causaleVersamento", "Mensa scolastica, è il mese di marzo & aprile"),
                    new XElement(Dovuti + "datiSpecificiRiscossione", "9/0107101TS/"))));
    }

    /// <summary>I portali mettono uno o due livelli di base64: si decodifica finché è XML.</summary>
    public static byte[] Decodifica(string contenuto)
    {
        for (var giro = 0; giro < 3 && !contenuto.TrimStart('\uFEFF', ' ', '\r', '\n', '\t').StartsWith("<"); giro++)
            contenuto = Encoding.UTF8.GetString(Convert.FromBase64String(contenuto));
        return Encoding.UTF8.GetBytes(contenuto);
    }

    /// <summary>Legge un XML che viene da fuori: niente DTD, niente entità.</summary>
    private static XDocument Leggi(byte[] xml)
    {
        var regole = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using (var lettore = XmlReader.Create(new MemoryStream(xml), regole)) return XDocument.Load(lettore);
    }

    /// <summary>Il testo del primo elemento di quel nome, ovunque sia; vuoto se non c'è.</summary>
    private static string Campo(XDocument documento, string nome)
    {
        var primo = documento.Descendants().FirstOrDefault(elemento => elemento.Name.LocalName == nome);
        return primo == null ? "" : primo.Value;
    }

    /// <summary>Dice un passo a chi guarda, o a un programma con --json.</summary>
    private static void Racconta(bool json, string passo, IDictionary<string, string> valori)
    {
        Console.WriteLine(json
            ? "{\"passo\": \"" + passo + "\"" + string.Concat(valori.Select(voce => $", \"{voce.Key}\": \"{voce.Value.Replace("\"", "\\\"")}\"")) + "}"
            : passo + ": " + string.Join(", ", valori.Select(voce => voce.Key + " " + voce.Value)));
    }

    private static async Task<int> Principale(IDictionary<string, string> opzioni)
    {
        Func<string, string, string> Opzione = (nome, altrimenti) => opzioni.ContainsKey(nome) ? opzioni[nome] : altrimenti;
        var json = opzioni.ContainsKey("json");
        var iud = Opzione("iud", "CS-" + Guid.NewGuid().ToString("N").Substring(0, 20));
        var importo = decimal.Parse(Opzione("importo", "12.50"), CultureInfo.InvariantCulture);
        var portale = new Portale(Opzione("servizio", Servizio), Opzione("ente", "C_PROVA"), Opzione("password", "Segreto12345"));

        var (idSession, url) = await portale.Invia(DocumentoDovuti(iud, importo));
        Racconta(json, "inviato", new Dictionary<string, string> { ["id_session"] = idSession, ["url"] = url, ["iud"] = iud });

        var scadenza = DateTime.UtcNow.AddSeconds(double.Parse(Opzione("attesa", "300"), CultureInfo.InvariantCulture));
        var pagato = await portale.Chiedi(idSession);
        while (pagato == null)
        {
            if (DateTime.UtcNow > scadenza)
            {
                Console.Error.WriteLine("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
                return 1;
            }
            await Task.Delay(1000);
            pagato = await portale.Chiedi(idSession);
        }
        var esito = Campo(pagato, "codiceEsitoPagamento"); // "0" vuol dire pagato
        Racconta(json, "ricevuta", new Dictionary<string, string>
        {
            ["esito"] = esito,
            ["importo"] = Campo(pagato, "importoTotalePagato"),
            ["iuv"] = Campo(pagato, "identificativoUnivocoVersamento"),
            ["iud"] = Campo(pagato, "identificativoUnivocoDovuto"),
            ["iur"] = Campo(pagato, "identificativoUnivocoRiscossione"),
        });
        return esito == "0" ? 0 : 1;
    }

    private static IDictionary<string, string> Opzioni(string[] argomenti)
    {
        var trovate = new Dictionary<string, string>();
        for (var i = 0; i < argomenti.Length; i++)
        {
            var nome = argomenti[i].TrimStart('-');
            var haValore = i + 1 < argomenti.Length && !argomenti[i + 1].StartsWith("--");
            trovate[nome] = haValore ? argomenti[++i] : "";
        }
        return trovate;
    }

    public static int Main(string[] argomenti)
    {
        try
        {
            return Principale(Opzioni(argomenti)).GetAwaiter().GetResult();
        }
        catch (Rifiuto rifiuto)
        {
            Console.Error.WriteLine("Rifiutato. " + rifiuto.Message);
        }
        catch (Exception errore) when (errore is HttpRequestException || errore is TaskCanceledException || errore is XmlException)
        {
            Console.Error.WriteLine("Il servizio non risponde: " + errore.Message);
        }
        return 1;
    }
}
