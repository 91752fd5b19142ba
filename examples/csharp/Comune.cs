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

/// <summary>L'hub ha rifiutato: il codice dice che cosa, il testo perché.</summary>
public sealed class Rifiuto : Exception
{
    public Rifiuto(string codice, string testo) : base(codice + ": " + testo) { }
}

/// <summary>La ricevuta, letta. L'esito "0" vuol dire pagato.</summary>
public sealed class Pagato
{
    private readonly XDocument documento;

    /// <param name="contenuto">Il campo `pagati` di una risposta.</param>
    public Pagato(string contenuto)
    {
        documento = Comune.Leggi(Comune.Decodifica(contenuto));
    }

    public bool IsPagato { get { return Comune.Campo(documento, "codiceEsitoPagamento") == "0"; } }

    public IDictionary<string, string> Valori()
    {
        return new Dictionary<string, string>
        {
            ["esito"] = Comune.Campo(documento, "codiceEsitoPagamento"),
            ["importo"] = Comune.Campo(documento, "importoTotalePagato"),
            ["iuv"] = Comune.Campo(documento, "identificativoUnivocoVersamento"),
            ["iud"] = Comune.Campo(documento, "identificativoUnivocoDovuto"),
            ["iur"] = Comune.Campo(documento, "identificativoUnivocoRiscossione"),
        };
    }
}

/// <summary>L'hub, chiamato per conto di un ente.</summary>
public sealed class Portale
{
    private static readonly XNamespace Soap = "http://schemas.xmlsoap.org/soap/envelope/";
    private static readonly XNamespace Ente = "http://www.regione.veneto.it/pagamenti/ente/";
    private static readonly XNamespace Testata = "http://www.regione.veneto.it/pagamenti/ente/ppthead";

    /// <summary>Le risposte che vogliono dire "non ancora": si richiede più tardi. Tutte le altre sono definitive.</summary>
    private static readonly string[] NonAncora = { "PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO" };

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

    /// <summary>Chiama un'operazione in cui l'ente sta nella testata SOAP; i campi sono quelli dopo la password.</summary>
    public async Task<XDocument> Chiama(string operazione, params XElement[] campi)
    {
        return await ChiamaConTestata(operazione, new XElement("password", password), campi);
    }

    /// <summary>Chiede a che punto è un flusso, e i suoi file. L'ordine conta: la password viene dopo il primo campo.</summary>
    public async Task<XDocument> ChiediFlusso(string requestToken)
    {
        return await ChiamaConTestata("paaSILChiediStatoImportFlusso", new XElement("requestToken", requestToken),
            new XElement("password", password), new XElement("fileScarti", "true"), new XElement("fileIUV", "true"),
            new XElement("fileAvvisi", "true"));
    }

    private async Task<XDocument> ChiamaConTestata(string operazione, params object[] corpo)
    {
        // Gli elementi dentro la testata e il corpo sono senza namespace, come dice il contratto.
        var testata = new XElement(Testata + "intestazionePPT", new XElement("codIpaEnte", ente));
        var risposta = await Invia(operazione, testata, corpo);
        Controlla(risposta);
        return risposta;
    }

    /// <summary>Chiede la ricevuta, per idSession o per IUV; null se non c'è ancora.</summary>
    public async Task<Pagato> ChiediPagato(string chiave, string valore)
    {
        var risposta = await Invia("paaSILChiediPagatiConRicevuta", null, new XElement("codIpaEnte", ente),
            new XElement("password", password), new XElement(chiave, valore));
        if (NonAncora.Contains(Comune.Campo(risposta, "faultCode"))) return null;
        Controlla(risposta);
        return new Pagato(Comune.Campo(risposta, "pagati"));
    }

    /// <summary>Chiede com'è finito un carrello: un elemento per ente.</summary>
    public async Task<List<XElement>> ChiediCarrello(string idSession)
    {
        var risposta = await Invia("paaSILChiediEsitoCarrelloDovuti", null, new XElement("codIpaEnte", ente),
            new XElement("password", password), new XElement("idSessionCarrello", idSession));
        Controlla(risposta);
        return risposta.Descendants().Where(uno => uno.Name.LocalName == "rispostaCarrello").ToList();
    }

    /// <summary>Prende un file dal suo indirizzo.</summary>
    public Task<byte[]> Scarica(string url)
    {
        return http.GetByteArrayAsync(url);
    }

    private async Task<XDocument> Invia(string operazione, XElement testata, params object[] corpo)
    {
        var busta = new XElement(Soap + "Envelope",
            new XElement(Soap + "Header", testata),
            new XElement(Soap + "Body", new XElement(Ente + operazione, corpo)));
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
            return Comune.Leggi(await risposta.Content.ReadAsByteArrayAsync());
        }
    }

    private static void Controlla(XDocument risposta)
    {
        var codice = Comune.Campo(risposta, "faultCode");
        if (codice != "")
        {
            var testo = Comune.Campo(risposta, "description");
            throw new Rifiuto(codice, testo != "" ? testo : Comune.Campo(risposta, "faultString"));
        }
        // faultcode, tutto minuscolo, è quello di un SOAP Fault.
        if (Comune.Campo(risposta, "faultcode") != "")
            throw new Rifiuto(Comune.Campo(risposta, "faultcode"), Comune.Campo(risposta, "faultstring"));
    }
}

/// <summary>Le opzioni della riga di comando: `--nome valore`, anche più volte.</summary>
public sealed class Opzioni
{
    private readonly List<KeyValuePair<string, string>> date = new List<KeyValuePair<string, string>>();

    public Opzioni(string[] argomenti)
    {
        for (var i = 0; i < argomenti.Length; i++)
        {
            var nome = argomenti[i].TrimStart('-');
            var haValore = i + 1 < argomenti.Length && !argomenti[i + 1].StartsWith("--");
            date.Add(new KeyValuePair<string, string>(nome, haValore ? argomenti[++i] : ""));
        }
    }

    public List<string> Tutte(string nome)
    {
        return date.Where(una => una.Key == nome).Select(una => una.Value).ToList();
    }

    public string Una(string nome, string altrimenti)
    {
        return Tutte(nome).FirstOrDefault() ?? altrimenti;
    }

    public double Attesa { get { return double.Parse(Una("attesa", "300"), CultureInfo.InvariantCulture); } }

    /// <summary>Dice un passo a chi guarda, o, con --json, a un programma.</summary>
    public void Racconta(string passo, IDictionary<string, string> valori)
    {
        Console.WriteLine(Tutte("json").Count > 0
            ? "{\"passo\": \"" + passo + "\"" + string.Concat(valori.Select(InJson)) + "}"
            : passo + ": " + string.Join(", ", valori.Select(voce => voce.Key + " " + voce.Value)));
    }

    private static string InJson(KeyValuePair<string, string> voce)
    {
        return ", \"" + voce.Key + "\": \"" + voce.Value.Replace("\"", "\\\"") + "\"";
    }
}

/// <summary>
/// Ciò che i programmi d'esempio hanno in comune, con la sola libreria di base: .NET 6 o successivo, o Mono. Mensa,
/// Tributi, TributiFlusso e Ztl raccontano ciascuno la sua storia. Chi preferisce le classi generate usa dotnet-svcutil sul WSDL.
/// </summary>
public static class Comune
{
    public static readonly XNamespace Dovuti = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/";
    private const string Servizio = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati";

    /// <summary>
    /// Scrive il documento Dovuti di un dovuto solo. L'ordine degli elementi conta; quelli senza valore si omettono. Lo IUD
    /// è dell'ente e non si usa mai due volte, nemmeno per un dovuto annullato. L'importo ha sempre due decimali, con il punto.
    /// </summary>
    public static XElement DocumentoDovuti(string iud, string importo, string tipo, string tassonomia, string causale)
    {
        return new XElement(Dovuti + "Dovuti",
            new XElement(Dovuti + "versioneOggetto", "6.2.0"),
            new XElement(Dovuti + "soggettoPagatore",
                Pagatore(),
                new XElement(Dovuti + "anagraficaPagatore", "Mario Rossi"),
                new XElement(Dovuti + "e-mailPagatore", "mario.rossi@example.org")),
            new XElement(Dovuti + "datiVersamento",
                new XElement(Dovuti + "tipoVersamento", "ALL"),
                new XElement(Dovuti + "datiSingoloVersamento",
                    new XElement(Dovuti + "identificativoUnivocoDovuto", iud),
                    new XElement(Dovuti + "importoSingoloVersamento", importo),
                    new XElement(Dovuti + "identificativoTipoDovuto", tipo),
                    new XElement(Dovuti + "causaleVersamento", causale),
                    new XElement(Dovuti + "datiSpecificiRiscossione", tassonomia))));
    }

    /// <summary>Chi paga: una persona (F), con il suo codice fiscale.</summary>
    public static XElement Pagatore()
    {
        return new XElement(Dovuti + "identificativoUnivocoPagatore",
            new XElement(Dovuti + "tipoIdentificativoUnivoco", "F"),
            new XElement(Dovuti + "codiceIdentificativoUnivoco", "RSSMRA80A01H501U"));
    }

    /// <summary>I documenti viaggiano in base64: è il contratto che lo vuole.</summary>
    public static string InBase64(XElement documento)
    {
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(documento.ToString()));
    }

    /// <summary>I portali mettono uno o due livelli di base64: si decodifica finché è XML.</summary>
    public static byte[] Decodifica(string contenuto)
    {
        for (var giro = 0; giro < 3 && !contenuto.TrimStart('\uFEFF', ' ', '\r', '\n', '\t').StartsWith("<"); giro++)
            contenuto = Encoding.UTF8.GetString(Convert.FromBase64String(contenuto));
        return Encoding.UTF8.GetBytes(contenuto);
    }

    /// <summary>Legge un XML che viene da fuori: niente DTD, niente entità.</summary>
    public static XDocument Leggi(byte[] xml)
    {
        var regole = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using (var lettore = XmlReader.Create(new MemoryStream(xml), regole)) return XDocument.Load(lettore);
    }

    /// <summary>Il testo del primo elemento di quel nome, ovunque sia; vuoto se non c'è.</summary>
    public static string Campo(XContainer documento, string nome)
    {
        var primo = documento.Descendants().FirstOrDefault(elemento => elemento.Name.LocalName == nome);
        return primo == null ? "" : primo.Value;
    }

    /// <summary>Uno IUD nuovo.</summary>
    public static string NuovoIud()
    {
        return "CS-" + Guid.NewGuid().ToString("N").Substring(0, 20);
    }

    /// <summary>Chiede ogni secondo finché c'è una risposta; null se il tempo finisce prima.</summary>
    public static async Task<T> Aspetta<T>(Func<Task<T>> chiedi, double secondi) where T : class
    {
        var scadenza = DateTime.UtcNow.AddSeconds(secondi);
        while (true)
        {
            var trovato = await chiedi();
            if (trovato != null || DateTime.UtcNow > scadenza) return trovato;
            await Task.Delay(1000);
        }
    }

    /// <summary>Apre il portale e racconta la storia; restituisce il suo codice, o 1 dopo una frase.</summary>
    public static int Esegui(string[] argomenti, Func<Portale, Opzioni, Task<int>> storia)
    {
        var o = new Opzioni(argomenti);
        var portale = new Portale(o.Una("servizio", Servizio), o.Una("ente", "C_PROVA"), o.Una("password", "Segreto12345"));
        try
        {
            return storia(portale, o).GetAwaiter().GetResult();
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
