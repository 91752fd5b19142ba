using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using System.Xml.Linq;

/// <summary>
/// Un ufficio tributi che carica un ruolo intero con un file solo: dall'elenco di chi deve pagare a un numero e un avviso per
/// ciascuno. Con la sola libreria di base.
///
/// Chiede il permesso con paaSILAutorizzaImportFlusso, manda il flusso (uno ZIP con un csv), chiede con
/// paaSILChiediStatoImportFlusso finché è caricato, e prende i file dei risultati: le righe rifiutate e perché, il numero di
/// ciascun avviso, gli avvisi da stampare:
///
///     dotnet run -p:StartupObject=TributiFlusso -- --elenco elenco.csv --cartella risultati
///     mcs -r:System.Net.Http -r:System.Xml.Linq -r:System.IO.Compression Comune.cs TributiFlusso.cs -out:TributiFlusso.exe
///     mono TributiFlusso.exe --elenco elenco.csv --cartella risultati
///
/// elenco.csv ha una riga di nomi e poi una riga per debito:
///
///     iud;codice_fiscale;nome;importo;scadenza;causale
///     TARI-2026-000001;RSSMRA80A01H501U;Mario Rossi;84.30;2026-12-31;Tassa rifiuti 2026, prima rata
///
/// Opzioni: --servizio, --ente, --password, --iuf NOME, --attesa SECONDI, --json. Esce con 0 se ogni debito è caricato, con 1
/// se qualcuno è rifiutato. La ricevuta di ciascuno si chiede poi con lo IUV, come in Tributi.
/// </summary>
public static class TributiFlusso
{
    /// <summary>Le colonne si riconoscono dal posto, non dal nome: si scrivono tutte, in quest'ordine. Versione 1_3.</summary>
    private static readonly string[] Colonne =
    {
        "IUD", "codIuv", "tipoIdentificativoUnivoco", "codiceIdentificativoUnivoco", "anagraficaPagatore",
        "indirizzoPagatore", "civicoPagatore", "capPagatore", "localitaPagatore", "provinciaPagatore", "nazionePagatore",
        "mailPagatore", "dataEsecuzionePagamento", "importoDovuto", "commissioneCaricoPa", "tipoDovuto", "tipoVersamento",
        "causaleVersamento", "datiSpecificiRiscossione", "bilancio", "flgGeneraIuv", "azione",
    };

    private static readonly string[] Debito = { "iud", "codice_fiscale", "nome", "importo", "scadenza", "causale" };

    /// <summary>Caricato (qualche riga può essere rifiutata), o rifiutato per intero; anche un codice PAA_ è definitivo.</summary>
    private static readonly string[] Finiti = { "IMPORT_ESEGUITO", "IMPORT_ABORTITO" };

    // Un file grande ha bisogno di tempo per arrivare.
    private static readonly HttpClient Http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>Legge un csv con una riga di nomi: una riga per voce. Dentro un valore non ci sono a capo.</summary>
    private static List<Dictionary<string, string>> LeggiCsv(byte[] csv)
    {
        var righe = Encoding.UTF8.GetString(csv).TrimStart('\uFEFF').TrimEnd().Split('\n')
            .Select(riga => Dividi(riga.TrimEnd('\r'))).ToList();
        var corta = righe.FindIndex(riga => riga.Count != righe[0].Count);
        if (corta >= 0) throw new InvalidDataException("la riga " + (corta + 1) + " non ha tutti i valori");
        return righe.Skip(1)
            .Select(riga => righe[0].Zip(riga, (nome, valore) => new { nome, valore })
                .ToDictionary(una => una.nome, una => una.valore))
            .ToList();
    }

    /// <summary>Divide una riga: un valore fra virgolette può avere dentro `;`, e le sue virgolette sono raddoppiate.</summary>
    private static List<string> Dividi(string riga)
    {
        var valori = new List<string>();
        var valore = new StringBuilder();
        var traVirgolette = false;
        for (var i = 0; i < riga.Length; i++)
        {
            if (riga[i] == '"' && traVirgolette && i + 1 < riga.Length && riga[i + 1] == '"')
            {
                valore.Append('"');
                i++;
            }
            else if (riga[i] == '"')
            {
                traVirgolette = !traVirgolette;
            }
            else if (riga[i] == ';' && !traVirgolette)
            {
                valori.Add(valore.ToString());
                valore.Clear();
            }
            else
            {
                valore.Append(riga[i]);
            }
        }
        valori.Add(valore.ToString());
        return valori;
    }

    /// <summary>Scrive un valore di csv.</summary>
    private static string Valore(string testo)
    {
        return testo.IndexOfAny(new[] { ';', '"' }) < 0 ? testo : "\"" + testo.Replace("\"", "\"\"") + "\"";
    }

    /// <summary>Legge l'elenco. Lo IUD è dell'ente e non si usa mai due volte, nemmeno per un debito annullato.</summary>
    private static List<Dictionary<string, string>> LeggiElenco(string file)
    {
        var debiti = LeggiCsv(File.ReadAllBytes(file));
        if (debiti.Count == 0 || !Debito.All(debiti[0].ContainsKey))
            throw new InvalidDataException("servono una riga di nomi (" + string.Join(";", Debito) + ") e i debiti");
        return debiti;
    }

    /// <summary>
    /// Scrive lo ZIP di un flusso: il csv dentro ha lo stesso nome. Importi con il punto e due decimali, date aaaa-mm-gg.
    /// </summary>
    private static byte[] ScriviFlusso(string nome, IEnumerable<Dictionary<string, string>> debiti)
    {
        using (var flusso = new MemoryStream())
        {
            using (var zip = new ZipArchive(flusso, ZipArchiveMode.Create, true))
            using (var csv = new StreamWriter(zip.CreateEntry(nome + ".csv").Open(), new UTF8Encoding(false)))
            {
                csv.Write(string.Join(";", Colonne) + "\n");
                foreach (var debito in debiti)
                {
                    var valori = Valori(debito);
                    var riga = Colonne.Select(una => valori.ContainsKey(una) ? Valore(valori[una]) : "");
                    csv.Write(string.Join(";", riga) + "\n");
                }
            }
            return flusso.ToArray();
        }
    }

    private static Dictionary<string, string> Valori(Dictionary<string, string> debito)
    {
        return new Dictionary<string, string>
        {
            ["IUD"] = debito["iud"],
            // F: una persona. G: un'azienda, con la sua partita IVA.
            ["tipoIdentificativoUnivoco"] = debito["codice_fiscale"].Length == 16 ? "F" : "G",
            ["codiceIdentificativoUnivoco"] = debito["codice_fiscale"],
            ["anagraficaPagatore"] = debito["nome"],
            ["dataEsecuzionePagamento"] = debito["scadenza"],
            ["importoDovuto"] = debito["importo"],
            ["tipoDovuto"] = "TARI",
            ["tipoVersamento"] = "ALL",
            ["causaleVersamento"] = debito["causale"],
            ["datiSpecificiRiscossione"] = "9/0101101IM/",
            // Il numero dell'avviso lo dà l'hub, che lo stampa.
            ["flgGeneraIuv"] = "true",
            // I inserisce, M modifica, A annulla.
            ["azione"] = "I",
        };
    }

    /// <summary>Manda il flusso all'indirizzo e con il gettone avuti dal permesso.</summary>
    private static async Task Carica(string url, string gettone, string nome, byte[] flusso)
    {
        using (var modulo = new MultipartFormDataContent())
        {
            var file = new ByteArrayContent(flusso);
            file.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
            modulo.Add(new StringContent(gettone), "authorizationToken");
            modulo.Add(file, "file", nome + ".zip");
            using (var risposta = await Http.PostAsync(url, modulo))
            {
                risposta.EnsureSuccessStatusCode();
                // Lo stato è sempre 200, e la risposta un elenco JSON di una cosa sola: solo i suoi nomi dicono se il file
                // è stato preso. Un programma vero userebbe System.Text.Json, che in Mono non c'è.
                var detto = await risposta.Content.ReadAsStringAsync();
                var codice = CampoJson(detto, "codice");
                if (codice != "") throw new Rifiuto(codice, CampoJson(detto, "descrizione"));
            }
        }
    }

    private static string CampoJson(string json, string nome)
    {
        return Regex.Match(json, "\"" + nome + "\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").Groups[1].Value;
    }

    /// <summary>Prende i file dentro uno ZIP di risultati, per nome; nessuno, se quel risultato non c'è.</summary>
    private static async Task<Dictionary<string, byte[]>> Prendi(string url)
    {
        var trovati = new Dictionary<string, byte[]>();
        if (url == "") return trovati;
        using (var zip = new ZipArchive(new MemoryStream(await Http.GetByteArrayAsync(url)), ZipArchiveMode.Read))
        {
            foreach (var voce in zip.Entries)
            {
                using (var aperta = voce.Open())
                using (var dati = new MemoryStream())
                {
                    aperta.CopyTo(dati);
                    trovati[voce.FullName] = dati.ToArray();
                }
            }
        }
        return trovati;
    }

    /// <summary>Le righe del csv di un risultato.</summary>
    private static async Task<List<Dictionary<string, string>>> Righe(string url)
    {
        var file = await Prendi(url);
        return file.Count == 0 ? new List<Dictionary<string, string>>() : LeggiCsv(file.Values.First());
    }

    /// <summary>Dice numeri e rifiuti, scrive gli avvisi; restituisce quante righe sono state rifiutate.</summary>
    private static async Task<int> RaccontaRisultati(XDocument caricato, Opzioni o)
    {
        foreach (var riga in await Righe(Comune.Campo(caricato, "urlFileIUV")))
        {
            o.Racconta("avviso", new Dictionary<string, string>
            {
                ["iud"] = riga["IUD"],
                ["iuv"] = riga["codIuv"],
                // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
                ["avviso"] = "3" + riga["codIuv"],
            });
        }
        var cartella = Directory.CreateDirectory(o.Una("cartella", ".")).FullName;
        foreach (var avviso in await Prendi(Comune.Campo(caricato, "urlFileAvvisi")))
        {
            // Solo il nome: ciò che viene da fuori non decide dove scriviamo.
            File.WriteAllBytes(Path.Combine(cartella, Path.GetFileName(avviso.Key)), avviso.Value);
        }
        var scarti = await Righe(Comune.Campo(caricato, "urlFileScarti"));
        foreach (var riga in scarti)
        {
            o.Racconta("scarto", new Dictionary<string, string>
            {
                ["iud"] = riga["IUD"],
                ["codice"] = riga["cod_rifiuto"],
                ["motivo"] = riga["de_rifiuto"],
            });
        }
        return scarti.Count;
    }

    private static async Task<int> Racconta(Portale portale, Opzioni o)
    {
        List<Dictionary<string, string>> debiti;
        try
        {
            debiti = LeggiElenco(o.Una("elenco", "elenco.csv"));
        }
        catch (Exception errore) when (errore is IOException || errore is InvalidDataException)
        {
            Console.Error.WriteLine("L'elenco non si legge: " + errore.Message);
            return 1;
        }
        // Ente, nome del flusso, versione: un trattino fra loro e nessuno dentro. Un nome vale per un flusso solo.
        var iuf = o.Una("iuf", "TARI" + Guid.NewGuid().ToString("N").Substring(0, 12));
        var nome = o.Una("ente", "C_PROVA") + "-" + iuf + "-1_3";
        var permesso = await portale.Chiama("paaSILAutorizzaImportFlusso");
        await Carica(Comune.Campo(permesso, "uploadUrl"), Comune.Campo(permesso, "authorizationToken"), nome,
            ScriviFlusso(nome, debiti));
        var token = Comune.Campo(permesso, "requestToken");
        o.Racconta("caricato", new Dictionary<string, string> { ["nome"] = nome, ["token"] = token });

        var caricato = await Comune.Aspetta(async () =>
        {
            var risposta = await portale.ChiediFlusso(token);
            var stato = Comune.Campo(risposta, "stato");
            return Finiti.Contains(stato) || stato.StartsWith("PAA_", StringComparison.Ordinal) ? risposta : null;
        }, o.Attesa);
        var finito = caricato == null ? "è ancora in corso" : Comune.Campo(caricato, "stato");
        if (finito != "IMPORT_ESEGUITO")
        {
            Console.Error.WriteLine("Il flusso " + nome + " non è caricato: " + finito);
            return 1;
        }
        return await RaccontaRisultati(caricato, o) == 0 ? 0 : 1;
    }

    public static int Main(string[] argomenti)
    {
        return Comune.Esegui(argomenti, Racconta);
    }
}
