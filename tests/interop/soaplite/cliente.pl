#!/usr/bin/perl
# The story of tests/interop/story.py told by Perl's SOAP::Lite: cliente.pl WSDL FOLDER STEP..., a line of JSON a step.
# SOAP::Lite takes operations, address and soapAction from the served WSDL; its stubs are for RPC, so the elements of a
# message are written one by one, as its users do.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use Encode qw(decode);
use SOAP::Lite;
use Time::HiRes qw(sleep time);

use constant { ENTE => 'C_PROVA', PASSWORD => 'Segreto12345', TIMEOUT_S => 30 };
use constant NS_ENTE => 'http://www.regione.veneto.it/pagamenti/ente/';
use constant NS_DOCUMENTI => 'http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/';
my %NOT_YET = map { $_ => 1 } qw(PAA_PAGAMENTO_NON_INIZIATO PAA_PAGAMENTO_IN_CORSO);

my ($wsdl, $folder, @steps) = @ARGV;
my $schema = SOAP::Schema->schema_url($wsdl);
$schema->parse();
my ($operations) = values %{ $schema->services() };
# Without autotype(0) every value carries an xsi:type that the contract does not have.
my ($any) = values %$operations;
my $soap = SOAP::Lite->new(autotype => 0)->proxy($any->{endpoint}->value, timeout => TIMEOUT_S);
my %state;

my %STEP = (
    contratto => sub { return { operazioni => scalar keys %$operations } },
    invia     => sub {
        my $answer = send_dovuti('dovuti.xml');
        $state{id_session} = $answer->{idSession};
        return told($answer, qw(idSession url));
    },
    non_ancora => sub { return told(ask('paaSILChiediPagatiConRicevuta')) },
    pagati     => sub { return pagato(wait_for('paaSILChiediPagati')) },
    ricevuta   => sub {
        my $answer = wait_for('paaSILChiediPagatiConRicevuta');
        return { %{ pagato($answer) }, rt_byte => length decode_base64($answer->{rt}) };
    },
    rifiuto  => sub { return told(send_dovuti('rifiuto.xml')) },
    importa  => sub { return told(import_dovuto('importa-i.xml'), 'esito') },
    modifica => sub {
        my $answer = import_dovuto('importa-m.xml', flagGeneraIuv => 'true');
        $state{iuv} = $answer->{identificativoUnivocoVersamento};
        return told($answer, qw(identificativoUnivocoVersamento urlFileAvviso));
    },
    posizioni => sub {
        my $answer = call('paaSILChiediPosizioniAperte',
            password => PASSWORD, codIpaEnte => ENTE, identificativoUnivocoPersonaFG => person());
        return { %{ told($answer) }, iud => iud(dovuti => listed($answer->{paaSILPosizioniAperte})) };
    },
    verifica => sub {
        my @fields = (password => PASSWORD, identificativoUnivocoVersamento => $state{iuv});
        return told(call_with_head('paaSILVerificaAvviso', @fields), qw(idSession url));
    },
    annulla  => sub { return told(import_dovuto('importa-a.xml'), 'esito') },
    avvisi => sub {
        my $answer = call('paaSILChiediAvvisiPendenti',
            password => PASSWORD, codIpaEnte => ENTE, dateFrom => text('oggi'), dateTo => text('oggi'),
        );
        my @found = listed($answer->{paaSILAvvisoPendente});
        return {
            %{ told($answer) },
            iud    => iud(dovuti => @found),
            giorni => join(' ', map { $_->{dtCreazioneCodIuv} } @found),
        };
    },
    registra => sub {
        my $imported = import_dovuto('registra.xml', flagGeneraIuv => 'true');
        my $answer = call('paaSILRegistraPagamento',
            codIpaEnte                       => ENTE,
            password                         => PASSWORD,
            identificativoUnivocoVersamento  => $imported->{identificativoUnivocoVersamento},
            singoloImportoPagato             => '40.50',
            dataEsitoSingoloPagamento        => text('oggi'),
            indiceDatiSingoloPagamento       => 1,
            identificativoUnivocoRiscossione => 'TESORERIA-17',
            tipoIstitutoAttestante           => 'G',
            codiceIstitutiAttestante         => 'TESORERIA',
            denominazioneAttestante          => 'Tesoreria comunale',
        );
        return told($answer, 'esito');
    },
    storico => sub {
        my $answer = call('paaSILChiediStoricoPagamenti',
            password                       => PASSWORD,
            codIpaEnte                     => ENTE,
            identificativoUnivocoPersonaFG => person(),
            dataFrom                       => text('oggi') . 'T00:00:00',
        );
        return { %{ told($answer, 'dateTo') }, iud => iud(ctPagatiConRicevuta => listed($answer->{paaSILStoricoPagamenti})) };
    },
    carrello => sub {
        my @elements = map { [ elementoListaDovuti => [
            codIpaEnte => $_, password => text("carrello-$_.segreto"), dovuti => base64("carrello-$_.xml"),
        ] ] } split / /, text('carrello');
        my @fields = (password => PASSWORD, listaDovuti => [ map { @$_ } @elements ]);
        my $answer = call_with_head('paaSILInviaCarrelloDovuti', @fields);
        $state{id_carrello} = $answer->{idSessionCarrello};
        return told($answer, qw(idSessionCarrello url));
    },
    esito_carrello => sub {
        my $deadline = time + TIMEOUT_S;
        my @entries;
        do {
            sleep 0.2;
            my @fields = (codIpaEnte => ENTE, password => PASSWORD, idSessionCarrello => $state{id_carrello});
            my $answer = call('paaSILChiediEsitoCarrelloDovuti', @fields);
            return told($answer) if $answer->{fault};
            @entries = listed($answer->{listaCarrelli}{rispostaCarrello});
        } while (time < $deadline && grep { !defined $_->{pagati} } @entries);
        return {
            enti => join(' ', map { $_->{codIpaEnte} } @entries),
            iud  => join(' ', map { pagato($_)->{iud} } @entries),
        };
    },
    export => sub {
        my @fields = (password => PASSWORD, dateFrom => text('oggi'), dateTo => text('oggi'));
        my $answer = call_with_head('paaSILPrenotaExportFlusso', @fields);
        $state{token} = $answer->{requestToken};
        return told($answer, 'requestToken');
    },
    incrementale => sub {
        my $answer = call_with_head('paaSILPrenotaExportFlussoIncrementaleConRicevuta',
            password => PASSWORD, dateFrom => text('oggi') . 'T00:00:00', ricevuta => 'true', incrementale => 'true',
        );
        return told($answer, qw(requestToken dateTo));
    },
    scaduti => sub {
        my $answer = call_with_head('paaSILPrenotaExportFlussoScaduti',
            password => PASSWORD, dataScadenza => text('oggi'), tipiDovuto => 'ZTL',
        );
        $state{token} = $answer->{requestToken};
        return told($answer, 'requestToken');
    },
    stato_scaduti => sub {
        return told(call_with_head('paaSILChiediStatoExportFlussoScaduti',
            password => PASSWORD, requestToken => $state{token},
        ), 'stato');
    },
    autorizza => sub {
        my $answer = call_with_head('paaSILAutorizzaImportFlusso', password => PASSWORD);
        $state{token} = $answer->{requestToken};
        return told($answer, qw(uploadUrl authorizationToken requestToken importPath));
    },
    stato_import => sub {
        return told(call_with_head('paaSILChiediStatoImportFlusso',
            requestToken => $state{token}, password => PASSWORD, fileScarti => 'true',
        ), 'stato');
    },
    stato_export => sub {
        my @fields = (password => PASSWORD, requestToken => $state{token});
        return told(call_with_head('paaSILChiediStatoExportFlusso', @fields), 'stato');
    },
);

# Call an operation that wants codIpaEnte in the SOAP header; its child is in no namespace, as the contract says.
sub call_with_head {
    my ($operation, @fields) = @_;
    my $head = SOAP::Header->name('h:intestazionePPT' => \SOAP::Data->name(codIpaEnte => ENTE))
        ->attr({ 'xmlns:h' => NS_ENTE . 'ppthead' });
    return call($operation, @fields, $head);
}

# Call an operation with the children of its element, in the order of the contract; return those of the answer.
sub call {
    my ($operation, @fields) = @_;
    my @head = @fields % 2 ? pop @fields : ();
    my $answer = $soap->on_action(sub { '"' . $operations->{$operation}{soapaction}->value . '"' })
        ->call(SOAP::Data->name("e:$operation")->attr({ 'xmlns:e' => NS_ENTE }), elements(@fields), @head);
    die 'SOAP Fault: ' . (ref $answer ? $answer->faultstring : $soap->transport->status) . "\n"
        if !ref $answer || $answer->fault;
    return $answer->valueof("//${operation}Risposta") || {};
}

# Elements from pairs of name and content; content is text, a list of pairs, or a list of elements already made.
sub elements {
    my (@fields) = @_;
    return @fields if ref $fields[0];
    my @elements;
    while (my ($name, $content) = splice @fields, 0, 2) {
        # A value without xsi:type goes out as it is: the escaping is ours too.
        my $value = ref $content ? \SOAP::Data->value(elements(@$content)) : SOAP::Utils::encode_data($content);
        push @elements, SOAP::Data->name($name => $value);
    }
    return @elements;
}

# The one element whose children are in a namespace, that of the inner documents.
sub person {
    return [ map { SOAP::Data->name("d:$_->[0]" => $_->[1])->attr({ 'xmlns:d' => NS_DOCUMENTI }) }
        ([ tipoIdentificativoUnivoco => 'F' ], [ codiceIdentificativoUnivoco => text('pagatore') ]) ];
}

sub send_dovuti {
    my ($name) = @_;
    return call_with_head('paaSILInviaDovuti',
        password                         => PASSWORD,
        dovuti                           => base64($name),
        enteSILInviaRispostaPagamentoUrl => text('ritorno'),
        showMyPay                        => 'SHORT');
}

sub import_dovuto {
    my ($name, @fields) = @_;
    return call_with_head('paaSILImportaDovuto', password => PASSWORD, dovuto => base64($name), @fields);
}

sub ask {
    my ($operation) = @_;
    return call($operation, codIpaEnte => ENTE, password => PASSWORD, idSession => $state{id_session});
}

sub wait_for {
    my ($operation) = @_;
    my $deadline = time + TIMEOUT_S;
    while (1) {
        my $answer = ask($operation);
        return $answer if !$answer->{fault};
        my $fault = told($answer);
        die "$fault->{codice}: $fault->{descrizione}\n" if !$NOT_YET{ $fault->{codice} } || time > $deadline;
        sleep 0.2;
    }
}

# A child that may be repeated is a value when it is one, a reference to a list when they are more.
sub listed {
    my ($children) = @_;
    return !defined $children ? () : ref $children eq 'ARRAY' ? @$children : ($children);
}

# The fields of an answer by their name on the wire, or why it was refused.
sub told {
    my ($answer, @fields) = @_;
    my $fault = $answer->{fault};
    return { codice => $fault->{faultCode}, descrizione => $fault->{description} } if $fault;
    return { map { $_ => $answer->{$_} } @fields };
}

# The IUD of the document that each of some elements has in a child.
sub iud {
    my ($name, @elements) = @_;
    return join ' ', map { field(decode_base64($_->{$name}), 'identificativoUnivocoDovuto') } @elements;
}

# Read `pagati`: two levels of base64 around the document, both ours to take off.
sub pagato {
    my ($answer) = @_;
    my $document = decode_base64(decode_base64($answer->{pagati}));
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

# SOAP::Lite does not read the types of the contract: the encoding is ours.
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
