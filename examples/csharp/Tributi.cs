using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using System.Xml.Linq;

/// <summary>
/// Un ufficio tributi che stampa avvisi, con la sola libreria di base.
///
/// Registra un dovuto con paaSILImportaDovuto e si fa dare il numero dell'avviso, ne prende il PDF, poi chiede la ricevuta
/// con paaSILChiediPagatiConRicevuta finché qualcuno non lo ha pagato, dovunque sia:
///
///     dotnet run -p:StartupObject=Tributi -- --pdf avviso.pdf
///     mcs -r:System.Net.Http -r:System.Xml.Linq Comune.cs Tributi.cs -out:Tributi.exe &amp;&amp; mono Tributi.exe
///
/// Opzioni: --servizio, --ente, --password, --iud, --importo, --pdf FILE, --attesa SECONDI, --json. Esce con 0 se l'avviso
/// è pagato, con 1 se è rifiutato o non pagato.
/// </summary>
public static class Tributi
{
    /// <summary>Scrive il documento Versamento. L'azione è l'ultimo elemento: I inserisce, M modifica, A annulla, S ristampa.</summary>
    private static XElement DocumentoVersamento(string iud, string importo, DateTime scadenza, string azione)
    {
        var ns = Comune.Dovuti;
        return new XElement(ns + "Versamento",
            new XElement(ns + "versioneOggetto", "6.2.0"),
            new XElement(ns + "soggettoPagatore",
                Comune.Pagatore(),
                new XElement(ns + "anagraficaPagatore", "Mario Rossi")),
            new XElement(ns + "datiVersamento",
                new XElement(ns + "dataEsecuzionePagamento", scadenza.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
                new XElement(ns + "tipoVersamento", "ALL"),
                new XElement(ns + "identificativoUnivocoDovuto", iud),
                new XElement(ns + "importoSingoloVersamento", importo),
                new XElement(ns + "identificativoTipoDovuto", "TARI"),
                new XElement(ns + "causaleVersamento", "Tassa rifiuti, prima rata"),
                new XElement(ns + "datiSpecificiRiscossione", "9/0101101IM/")),
            new XElement(ns + "azione", azione));
    }

    private static async Task<int> Racconta(Portale portale, Opzioni o)
    {
        var iud = o.Una("iud", Comune.NuovoIud());
        var documento = DocumentoVersamento(iud, o.Una("importo", "84.30"), DateTime.Today.AddDays(60), "I");
        var risposta = await portale.Chiama("paaSILImportaDovuto",
            new XElement("dovuto", Comune.InBase64(documento)), new XElement("flagGeneraIuv", "true"));
        var iuv = Comune.Campo(risposta, "identificativoUnivocoVersamento");
        var pdf = await portale.Scarica(Comune.Campo(risposta, "urlFileAvviso"));
        var file = o.Una("pdf", "");
        if (file != "") File.WriteAllBytes(file, pdf);
        o.Racconta("avviso", new Dictionary<string, string>
        {
            ["iud"] = iud,
            ["iuv"] = iuv,
            // Un numero dato dall'hub ha 17 cifre: nell'avviso lo precede un 3.
            ["numero"] = "3" + iuv,
            ["pdf_byte"] = pdf.Length.ToString(CultureInfo.InvariantCulture),
        });

        var pagato = await Comune.Aspetta(() => portale.ChiediPagato("identificativoUnivocoVersamento", iuv), o.Attesa);
        if (pagato == null)
        {
            Console.Error.WriteLine("Nessuna ricevuta per ora: riprovare più tardi con lo IUV");
            return 1;
        }
        o.Racconta("ricevuta", pagato.Valori());
        return pagato.IsPagato ? 0 : 1;
    }

    public static int Main(string[] argomenti)
    {
        return Comune.Esegui(argomenti, Racconta);
    }
}
