// paaSILInviaDovuti by JAX-WS RI on the JDK's HTTP server, written as such a service is usually written: JAXB reads the
// envelope, the document is checked with its XSD as it is parsed, the password compared, IUDs looked up, one durable insert.
// Environment: BENCH_PORT, BENCH_THREADS, BENCH_JDBC (jdbc:sqlite:FILE or jdbc:postgresql:...), BENCH_XSD.

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.WebService;
import javax.jws.soap.SOAPBinding;
import javax.xml.XMLConstants;
import javax.xml.bind.annotation.XmlAccessType;
import javax.xml.bind.annotation.XmlAccessorType;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.bind.annotation.XmlType;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import javax.xml.ws.Endpoint;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.ErrorHandler;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

public class Server {
    static final String ENTE = "http://www.regione.veneto.it/pagamenti/ente/";
    static final String HEAD = "http://www.regione.veneto.it/pagamenti/ente/ppthead";
    static final String PAY_I = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/";
    static final byte[] PASSWORD = "Segreto12345".getBytes(StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        Store store = new Store(System.getenv("BENCH_JDBC"));
        Schema schema = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(System.getenv("BENCH_XSD")));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("BENCH_PORT"))), 1024);
        server.setExecutor(Executors.newFixedThreadPool(Integer.parseInt(System.getenv("BENCH_THREADS"))));
        Endpoint.create(new Service(store, schema)).publish(server.createContext("/ws/pa/PagamentiTelematiciDovutiPagati"));
        server.start();
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    @XmlType(name = "paaSILInviaDovuti", namespace = ENTE, propOrder = {"password", "dovuti", "enteSILInviaRispostaPagamentoUrl", "showMyPay"})
    public static class Richiesta {
        @XmlElement public String password;
        @XmlElement(required = true) public byte[] dovuti;
        @XmlElement public String enteSILInviaRispostaPagamentoUrl;
        @XmlElement public String showMyPay;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    @XmlType(name = "faultBean", namespace = ENTE, propOrder = {"faultCode", "faultString", "id"})
    public static class FaultBean {
        @XmlElement public String faultCode;
        @XmlElement public String faultString;
        @XmlElement public String id;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    @XmlType(name = "paaSILInviaDovutiRisposta", namespace = ENTE, propOrder = {"fault", "esito", "idSession", "redirect", "url"})
    public static class Risposta {
        @XmlElement public FaultBean fault;
        @XmlElement public String esito;
        @XmlElement public String idSession;
        @XmlElement public Integer redirect;
        @XmlElement public String url;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    @XmlType(name = "intestazionePPT", namespace = HEAD)
    public static class Intestazione {
        @XmlElement public String codIpaEnte;
    }

    @WebService(targetNamespace = ENTE, serviceName = "PagamentiTelematiciDovutiPagatiService")
    @SOAPBinding(parameterStyle = SOAPBinding.ParameterStyle.BARE)
    public static class Service {
        private final Store store;
        private final ThreadLocal<DocumentBuilder> builders;

        Service(Store store, Schema schema) {
            this.store = store;
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            factory.setSchema(schema);
            builders = ThreadLocal.withInitial(() -> newBuilder(factory));
        }

        @WebMethod(operationName = "paaSILInviaDovuti", action = "paaSILInviaDovuti")
        @WebResult(name = "paaSILInviaDovutiRisposta", targetNamespace = ENTE, partName = "bodyrisposta")
        public Risposta paaSILInviaDovuti(
                @WebParam(name = "paaSILInviaDovuti", targetNamespace = ENTE, partName = "bodyrichiesta") Richiesta richiesta,
                @WebParam(name = "intestazionePPT", targetNamespace = HEAD, partName = "header", header = true) Intestazione testata) {
            String ente = testata.codIpaEnte;
            if (!"C_PROVA".equals(ente) || !MessageDigest.isEqual(PASSWORD, richiesta.password.getBytes(StandardCharsets.UTF_8))) {
                return refused("PAA_ENTE_NON_VALIDO", ente);
            }
            Element documento;
            try {
                documento = builders.get().parse(new ByteArrayInputStream(richiesta.dovuti)).getDocumentElement();
            } catch (SAXException error) {
                return refused("PAA_XML_NON_VALIDO", ente);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            List<String> iud = new ArrayList<>();
            NodeList singoli = documento.getElementsByTagNameNS(PAY_I, "datiSingoloVersamento");
            for (int index = 0; index < singoli.getLength(); index++) {
                iud.add(texts((Element) singoli.item(index)).get("identificativoUnivocoDovuto"));
            }
            texts((Element) documento.getElementsByTagNameNS(PAY_I, "soggettoPagatore").item(0));
            String url = richiesta.enteSILInviaRispostaPagamentoUrl == null ? "" : richiesta.enteSILInviaRispostaPagamentoUrl;
            Risposta risposta = new Risposta();
            risposta.idSession = store.keep(ente, iud, url, richiesta.dovuti);
            risposta.esito = "OK";
            risposta.redirect = 1;
            risposta.url = "http://127.0.0.1/paga/" + risposta.idSession;
            return risposta;
        }
    }

    static DocumentBuilder newBuilder(DocumentBuilderFactory factory) {
        try {
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(new Strict());
            return builder;
        } catch (javax.xml.parsers.ParserConfigurationException error) {
            throw new IllegalStateException(error);
        }
    }

    static Map<String, String> texts(Element element) {
        Map<String, String> found = new HashMap<>();
        for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element) {
                found.put(child.getLocalName(), child.getTextContent());
            }
        }
        return found;
    }

    static Risposta refused(String code, String ente) {
        Risposta risposta = new Risposta();
        risposta.fault = new FaultBean();
        risposta.fault.faultCode = risposta.fault.faultString = code;
        risposta.fault.id = ente;
        risposta.esito = "KO";
        return risposta;
    }

    static class Strict implements ErrorHandler {
        public void warning(SAXParseException error) { }
        public void error(SAXParseException error) throws SAXException { throw error; }
        public void fatalError(SAXParseException error) throws SAXException { throw error; }
    }

    /** PostgreSQL: a connection for each thread. SQLite: one for all, in turn: its best, writers wait for each other anyway. */
    static class Store {
        private final String url;
        private final boolean isSqlite;
        private final ThreadLocal<Keeper> keepers = ThreadLocal.withInitial(this::open);
        private Keeper only;

        Store(String url) throws SQLException {
            this.url = url;
            isSqlite = url.startsWith("jdbc:sqlite:");
            try (Connection connection = connect(); Statement statement = connection.createStatement()) {
                String blob = isSqlite ? "blob" : "bytea", instant = isSqlite ? "text" : "timestamptz";
                statement.execute("CREATE TABLE IF NOT EXISTS java_sessioni (id_session varchar(36) PRIMARY KEY, ente varchar(35), stato varchar(40), "
                    + "url_esito varchar(2048), documento " + blob + ", created_at " + instant + ", expires_at " + instant + ", correlation_id varchar(64))");
                statement.execute("CREATE TABLE IF NOT EXISTS java_dovuti (ente varchar(35), iud varchar(35), PRIMARY KEY (ente, iud))");
            }
            if (isSqlite && System.getenv("BENCH_SQLITE_EACH") == null) {
                only = open();
            }
        }

        private Connection connect() throws SQLException {
            Connection connection = DriverManager.getConnection(url);
            if (isSqlite) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("PRAGMA busy_timeout=30000");
                    statement.execute("PRAGMA journal_mode=WAL");
                    statement.execute("PRAGMA synchronous=FULL");
                }
            }
            return connection;
        }

        private Keeper open() {
            try {
                return new Keeper(connect(), isSqlite);
            } catch (SQLException error) {
                throw new IllegalStateException(error);
            }
        }

        String keep(String ente, List<String> iud, String url, byte[] documento) {
            try {
                if (only == null) {
                    return keepers.get().keep(ente, iud, url, documento);
                }
                synchronized (only) {
                    return only.keep(ente, iud, url, documento);
                }
            } catch (SQLException error) {
                throw new IllegalStateException(error);
            }
        }
    }

    static class Keeper {
        private final Connection connection;
        private final boolean isSqlite;
        private final PreparedStatement taken, insert;

        Keeper(Connection connection, boolean isSqlite) throws SQLException {
            this.connection = connection;
            this.isSqlite = isSqlite;
            taken = connection.prepareStatement("SELECT iud FROM java_dovuti WHERE ente = ? AND iud " + (isSqlite ? "IN (?, ?)" : "= ANY(?)"));
            insert = connection.prepareStatement("INSERT INTO java_sessioni VALUES (?,?,?,?,?,?,?,?)");
        }

        /** Look the IUDs up, insert, each statement a transaction of its own: the insert is durable when this returns. */
        String keep(String ente, List<String> iud, String url, byte[] documento) throws SQLException {
            taken.setString(1, ente);
            if (isSqlite) {
                taken.setString(2, iud.get(0));
                taken.setString(3, iud.get(1));
            } else {
                taken.setArray(2, connection.createArrayOf("varchar", iud.toArray()));
            }
            try (ResultSet found = taken.executeQuery()) {
                if (found.next()) {
                    throw new SQLException("iud");
                }
            }
            String id = UUID.randomUUID().toString();
            Instant now = Instant.now();
            insert.setString(1, id);
            insert.setString(2, ente);
            insert.setString(3, "NUOVO_CARRELLO");
            insert.setString(4, url);
            insert.setBytes(5, documento);
            if (isSqlite) {
                insert.setString(6, now.toString());
                insert.setString(7, now.plusSeconds(3600).toString());
            } else {
                insert.setTimestamp(6, Timestamp.from(now));
                insert.setTimestamp(7, Timestamp.from(now.plusSeconds(3600)));
            }
            insert.setString(8, UUID.randomUUID().toString());
            insert.executeUpdate();
            return id;
        }
    }
}
