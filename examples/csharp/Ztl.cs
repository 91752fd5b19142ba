using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using System.Xml.Linq;

/// <summary>
/// Un programma che vende permessi per le zone a traffico limitato di più comuni, pagati insieme, con la sola libreria di base.
///
/// Un carrello, un pagamento, più creditori: invia i dovuti con paaSILInviaCarrelloDovuti, mostra l'indirizzo a cui si paga,
/// poi chiede con paaSILChiediEsitoCarrelloDovuti com'è finita per ciascun comune:
///
///     dotnet run -p:StartupObject=Ztl -- --permesso C_PROVA:12345678903:35.00 --permesso C_VICINO:98765432103:20.00
///     mcs -r:System.Net.Http -r:System.Xml.Linq Comune.cs Ztl.cs -out:Ztl.exe &amp;&amp; mono Ztl.exe --permesso ...
///
/// Opzioni: --servizio, --ente (chi chiama), --password, --password-stazione, --targa, --attesa SECONDI, --json. Esce con 0
/// se ogni comune è stato pagato.
/// </summary>
public static class Ztl
{
    /// <summary>Prima che l'automobilista confermi, e mentre paga; tutti gli altri stati sono definitivi.</summary>
    private static readonly string[] InCorso = { "PREDISPOSTO", "PAGAMENTO IN CORSO" };

    /// <summary>
    /// Mostra che chi gestisce l'hub ci lascia incassare per quel comune: la password della stazione la dà a chi conosce, e
    /// nessun comune impara quella di un altro.
    /// </summary>
    private static string ProvaElemento(string passwordStazione, string codiceFiscaleEnte)
    {
        var frase = "paaSILInviaCarrelloDovuti-" + passwordStazione + "-" + codiceFiscaleEnte;
        using (var sha256 = SHA256.Create())
            return string.Concat(sha256.ComputeHash(Encoding.UTF8.GetBytes(frase)).Select(parte => parte.ToString("x2")));
    }

    private static XElement Elemento(string permesso, Opzioni o)
    {
        var parti = permesso.Split(':');
        var causale = "Permesso ZTL, targa " + o.Una("targa", "AB123CD");
        var documento = Comune.DocumentoDovuti(Comune.NuovoIud(), parti[2], "ZTL", "9/0105115AP/", causale);
        return new XElement("elementoListaDovuti",
            new XElement("codIpaEnte", parti[0]),
            new XElement("password", ProvaElemento(o.Una("password-stazione", "password01"), parti[1])),
            new XElement("dovuti", Comune.InBase64(documento)));
    }

    private static async Task<int> Racconta(Portale portale, Opzioni o)
    {
        var permessi = o.Tutte("permesso");
        var carrello = await portale.Chiama("paaSILInviaCarrelloDovuti",
            new XElement("listaDovuti", permessi.Select(permesso => Elemento(permesso, o))),
            new XElement("enteSILInviaRispostaPagamentoUrl", ""));
        var idSession = Comune.Campo(carrello, "idSessionCarrello");
        o.Racconta("inviato", new Dictionary<string, string>
        {
            ["id_session"] = idSession,
            ["url"] = Comune.Campo(carrello, "url"),
        });

        var esiti = await Comune.Aspetta(async () =>
        {
            var trovati = await portale.ChiediCarrello(idSession);
            return trovati.Any(uno => InCorso.Contains(Comune.Campo(uno, "esito"))) ? null : trovati;
        }, o.Attesa);
        if (esiti == null)
        {
            Console.Error.WriteLine("Nessun esito per ora: riprovare più tardi con l'idSession");
            return 1;
        }
        var pagati = 0;
        foreach (var uno in esiti)
        {
            var valori = new Dictionary<string, string>
            {
                ["ente"] = Comune.Campo(uno, "codIpaEnte"),
                ["stato"] = Comune.Campo(uno, "esito"),
            };
            var documento = Comune.Campo(uno, "pagati");
            if (documento != "")
            {
                var pagato = new Pagato(documento);
                foreach (var voce in pagato.Valori()) valori[voce.Key] = voce.Value;
                pagati += pagato.IsPagato ? 1 : 0;
            }
            o.Racconta("esito", valori);
        }
        return pagati == permessi.Count ? 0 : 1;
    }

    public static int Main(string[] argomenti)
    {
        return Comune.Esegui(argomenti, Racconta);
    }
}
