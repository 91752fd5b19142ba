using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using System.Xml.Linq;

/// <summary>
/// Un programma di mensa scolastica che chiede di essere pagato, con la sola libreria di base.
///
/// Invia un dovuto con paaSILInviaDovuti, mostra l'indirizzo a cui si paga, poi chiede la ricevuta con
/// paaSILChiediPagatiConRicevuta finché non c'è:
///
///     dotnet run -p:StartupObject=Mensa -- --servizio http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati
///     mcs -r:System.Net.Http -r:System.Xml.Linq Comune.cs Mensa.cs -out:Mensa.exe &amp;&amp; mono Mensa.exe
///
/// Opzioni: --ente, --password, --tipo, --tassonomia, --iud, --importo, --attesa SECONDI, --json (una riga JSON per ogni
/// passo). Esce con 0 se il dovuto è pagato, con 1 se è rifiutato o non pagato.
/// </summary>
public static class Mensa
{
    private static async Task<int> Racconta(Portale portale, Opzioni o)
    {
        var iud = o.Una("iud", Comune.NuovoIud());
        var (tipo, tassonomia) = (o.Una("tipo", "MENSA"), o.Una("tassonomia", "9/0107101TS/"));
        var documento = Comune.DocumentoDovuti(
            iud, o.Una("importo", "12.50"), tipo, tassonomia, "Mensa scolastica, è il mese di marzo & aprile");
        var sessione = await portale.Chiama("paaSILInviaDovuti",
            new XElement("dovuti", Comune.InBase64(documento)),
            // Dove torna il cittadino dopo il pagamento; vuoto: all'indirizzo configurato per l'ente.
            new XElement("enteSILInviaRispostaPagamentoUrl", ""));
        var idSession = Comune.Campo(sessione, "idSession");
        o.Racconta("inviato", new Dictionary<string, string>
        {
            ["id_session"] = idSession,
            ["url"] = Comune.Campo(sessione, "url"),
            ["iud"] = iud,
        });

        var pagato = await Comune.Aspetta(() => portale.ChiediPagato("idSession", idSession), o.Attesa);
        if (pagato == null)
        {
            Console.Error.WriteLine("Nessuna ricevuta per ora: riprovare più tardi con l'idSession");
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
