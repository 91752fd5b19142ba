#!/usr/bin/perl
# The story of tests/interop/story.py told by Perl's SOAP::WSDL: cliente.pl WSDL FOLDER STEP..., a line of JSON a step.
# Its classes (MyInterfaces::, MyTypes::) are those that wsdl2perl makes of the served WSDL.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use Encode qw(decode);
use Time::HiRes qw(sleep time);
use MyInterfaces::PagamentiTelematiciDovutiPagatiService::PagamentiTelematiciDovutiPagatiPort;

use constant { ENTE => 'C_PROVA', PASSWORD => 'Segreto12345', TIMEOUT_S => 30 };
my %NOT_YET = map { $_ => 1 } qw(PAA_PAGAMENTO_NON_INIZIATO PAA_PAGAMENTO_IN_CORSO);

my ($wsdl, $folder, @steps) = @ARGV;
# The address is that of the WSDL, which the generated class has kept.
my $port = MyInterfaces::PagamentiTelematiciDovutiPagatiService::PagamentiTelematiciDovutiPagatiPort->new();
my %state;

my %STEP = (
    contratto => sub {
        my $class = ref $port;
        no strict 'refs';
        return { operazioni => scalar grep { /^paaSIL/ && $class->can($_) } keys %{"${class}::"} };
    },
    invia => sub {
        my $answer = send_dovuti('dovuti.xml');
        $state{id_session} = value($answer, 'idSession');
        return told($answer, qw(idSession url));
    },
    non_ancora => sub { return told(ask('paaSILChiediPagatiConRicevuta')) },
    pagati     => sub { return pagato(wait_for('paaSILChiediPagati')) },
    ricevuta   => sub {
        my $answer = wait_for('paaSILChiediPagatiConRicevuta');
        return { %{ pagato($answer) }, rt_byte => length decode_base64(value($answer, 'rt')) };
    },
    rifiuto  => sub { return told(send_dovuti('rifiuto.xml')) },
    importa  => sub { return told(import_dovuto('importa-i.xml'), 'esito') },
    modifica => sub {
        my $answer = import_dovuto('importa-m.xml', flagGeneraIuv => 'true');
        $state{iuv} = value($answer, 'identificativoUnivocoVersamento');
        return told($answer, qw(identificativoUnivocoVersamento urlFileAvviso));
    },
    posizioni => sub {
        my $answer = called($port->paaSILChiediPosizioniAperte({
            password => PASSWORD, codIpaEnte => ENTE, identificativoUnivocoPersonaFG => person(),
        }));
        return { %{ told($answer) }, iud => iud(dovuti => listed($answer->get_paaSILPosizioniAperte())) };
    },
    verifica => sub {
        my $fields = { password => PASSWORD, identificativoUnivocoVersamento => $state{iuv} };
        return told(called($port->paaSILVerificaAvviso($fields, head())), qw(idSession url));
    },
    annulla  => sub { return told(import_dovuto('importa-a.xml'), 'esito') },
    avvisi => sub {
        my $answer = called($port->paaSILChiediAvvisiPendenti({
            password => PASSWORD, codIpaEnte => ENTE, dateFrom => text('oggi'), dateTo => text('oggi'),
        }));
        my @found = listed($answer->get_paaSILAvvisoPendente());
        return {
            %{ told($answer) },
            iud    => iud(dovuti => @found),
            giorni => join(' ', map { value($_, 'dtCreazioneCodIuv') } @found),
        };
    },
    registra => sub {
        my $imported = import_dovuto('registra.xml', flagGeneraIuv => 'true');
        my $answer = called($port->paaSILRegistraPagamento({
            codIpaEnte                       => ENTE,
            password                         => PASSWORD,
            identificativoUnivocoVersamento  => value($imported, 'identificativoUnivocoVersamento'),
            singoloImportoPagato             => '40.50',
            dataEsitoSingoloPagamento        => text('oggi'),
            indiceDatiSingoloPagamento       => 1,
            identificativoUnivocoRiscossione => 'TESORERIA-17',
            tipoIstitutoAttestante           => 'G',
            codiceIstitutiAttestante         => 'TESORERIA',
            denominazioneAttestante          => 'Tesoreria comunale',
        }));
        return told($answer, 'esito');
    },
    storico => sub {
        my $answer = called($port->paaSILChiediStoricoPagamenti({
            password                       => PASSWORD,
            codIpaEnte                     => ENTE,
            identificativoUnivocoPersonaFG => person(),
            dataFrom                       => text('oggi') . 'T00:00:00',
        }));
        return { %{ told($answer, 'dateTo') }, iud => iud(ctPagatiConRicevuta => listed($answer->get_paaSILStoricoPagamenti())) };
    },
    carrello => sub {
        my @elements = map { {
            codIpaEnte => $_, password => text("carrello-$_.segreto"), dovuti => base64("carrello-$_.xml"),
        } } split / /, text('carrello');
        my $fields = { password => PASSWORD, listaDovuti => { elementoListaDovuti => \@elements } };
        my $answer = called($port->paaSILInviaCarrelloDovuti($fields, head()));
        $state{id_carrello} = value($answer, 'idSessionCarrello');
        return told($answer, qw(idSessionCarrello url));
    },
    esito_carrello => sub {
        my $deadline = time + TIMEOUT_S;
        my @entries;
        do {
            sleep 0.2;
            my $fields = { codIpaEnte => ENTE, password => PASSWORD, idSessionCarrello => $state{id_carrello} };
            my $answer = called($port->paaSILChiediEsitoCarrelloDovuti($fields));
            return told($answer) if $answer->get_fault();
            @entries = listed($answer->get_listaCarrelli()->get_rispostaCarrello());
        } while (time < $deadline && grep { !defined value($_, 'pagati') } @entries);
        return {
            enti => join(' ', map { value($_, 'codIpaEnte') } @entries),
            iud  => join(' ', map { pagato($_)->{iud} } @entries),
        };
    },
    export => sub {
        my $fields = { password => PASSWORD, dateFrom => text('oggi'), dateTo => text('oggi') };
        my $answer = called($port->paaSILPrenotaExportFlusso($fields, head()));
        $state{token} = value($answer, 'requestToken');
        return told($answer, 'requestToken');
    },
    incrementale => sub {
        my $answer = called($port->paaSILPrenotaExportFlussoIncrementaleConRicevuta({
            password => PASSWORD, dateFrom => text('oggi') . 'T00:00:00', ricevuta => 'true', incrementale => 'true',
        }, head()));
        return told($answer, qw(requestToken dateTo));
    },
    scaduti => sub {
        my $answer = called($port->paaSILPrenotaExportFlussoScaduti({
            password => PASSWORD, dataScadenza => text('oggi'), tipiDovuto => 'ZTL',
        }, head()));
        $state{token} = value($answer, 'requestToken');
        return told($answer, 'requestToken');
    },
    stato_scaduti => sub {
        return told(called($port->paaSILChiediStatoExportFlussoScaduti({
            password => PASSWORD, requestToken => $state{token},
        }, head())), 'stato');
    },
    autorizza => sub {
        my $answer = called($port->paaSILAutorizzaImportFlusso({ password => PASSWORD }, head()));
        $state{token} = value($answer, 'requestToken');
        return told($answer, qw(uploadUrl authorizationToken requestToken importPath));
    },
    stato_import => sub {
        return told(called($port->paaSILChiediStatoImportFlusso({
            requestToken => $state{token}, password => PASSWORD, fileScarti => 'true',
        }, head())), 'stato');
    },
    stato_export => sub {
        my $fields = { password => PASSWORD, requestToken => $state{token} };
        return told(called($port->paaSILChiediStatoExportFlusso($fields, head())), 'stato');
    },
);

# codIpaEnte in the SOAP header, for the operations that want it there.
sub head { return { codIpaEnte => ENTE } }

sub person { return { tipoIdentificativoUnivoco => 'F', codiceIdentificativoUnivoco => text('pagatore') } }

sub send_dovuti {
    my ($name) = @_;
    return called($port->paaSILInviaDovuti({
        password                         => PASSWORD,
        dovuti                           => base64($name),
        enteSILInviaRispostaPagamentoUrl => text('ritorno'),
        showMyPay                        => 'SHORT',
    }, head()));
}

sub import_dovuto {
    my ($name, %fields) = @_;
    return called($port->paaSILImportaDovuto({ password => PASSWORD, dovuto => base64($name), %fields }, head()));
}

sub ask {
    my ($operation) = @_;
    return called($port->$operation({ codIpaEnte => ENTE, password => PASSWORD, idSession => $state{id_session} }));
}

sub wait_for {
    my ($operation) = @_;
    my $deadline = time + TIMEOUT_S;
    while (1) {
        my $answer = ask($operation);
        return $answer if !$answer->get_fault();
        my $fault = told($answer);
        die "$fault->{codice}: $fault->{descrizione}\n" if !$NOT_YET{ $fault->{codice} } || time > $deadline;
        sleep 0.2;
    }
}

# SOAP::WSDL gives back a SOAP Fault as an object that is false.
sub called {
    my ($answer) = @_;
    die 'SOAP Fault: ' . ($answer->can('get_faultstring') ? $answer->get_faultstring() : $answer) . "\n" if !$answer;
    return $answer;
}

# The text of a child of an answer, undef when it is absent.
sub value {
    my ($answer, $name) = @_;
    my $getter = "get_$name";
    my $child = $answer->$getter();
    return defined $child ? $child->get_value() : undef;
}

# A child that may be repeated is an object when it is one, a reference to a list when they are more.
sub listed {
    my ($children) = @_;
    return !defined $children ? () : ref $children eq 'ARRAY' ? @$children : ($children);
}

# The fields of an answer by their name on the wire, or why it was refused.
sub told {
    my ($answer, @fields) = @_;
    my $fault = $answer->get_fault();
    return { codice => value($fault, 'faultCode'), descrizione => value($fault, 'description') } if $fault;
    return { map { $_ => value($answer, $_) } @fields };
}

# The IUD of the document that each of some elements has in a child.
sub iud {
    my ($name, @elements) = @_;
    return join ' ', map { field(decode_base64(value($_, $name)), 'identificativoUnivocoDovuto') } @elements;
}

# Read `pagati`: two levels of base64 around the document, both ours to take off.
sub pagato {
    my ($answer) = @_;
    my $document = decode_base64(decode_base64(value($answer, 'pagati')));
    return {
        esito   => field($document, 'codiceEsitoPagamento'),
        importo => field($document, 'importoTotalePagato'),
        iud     => field($document, 'identificativoUnivocoDovuto'),
        iur     => field($document, 'identificativoUnivocoRiscossione'),
        causale => field($document, 'causaleVersamento'),
    };
}

sub field {
    my ($document, $name) = @_;
    return decode('UTF-8', $document) =~ /<(?:\w+:)?$name>([^<]*)</ ? $1 : '';
}

# SOAP::WSDL knows base64Binary only by name: the encoding is ours.
sub base64 {
    my ($name) = @_;
    open my $file, '<:raw', "$folder/$name" or die "$name: $!\n";
    return encode_base64(do { local $/; <$file> }, '');
}

sub text {
    my ($name) = @_;
    open my $file, '<:encoding(UTF-8)', "$folder/$name" or die "$name: $!\n";
    my $text = do { local $/; <$file> };
    $text =~ s/^\s+|\s+$//g;
    return $text;
}

$| = 1;
my $json = JSON::PP->new->utf8->canonical;
for my $step (@steps) {
    my $values = eval { $STEP{$step}->() } || { errore => "$@" }; # a step that fails is told, and the story goes on
    print $json->encode({ passo => $step, %$values }), "\n";
}
