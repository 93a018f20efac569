# Other people's servers with our zones, to compare with: NSD, Knot DNS, BIND; and Unbound,
# and BIND once more, which ask us and validate.  Each runs in a private directory, on a free port, with the
# rights of the test.
#
#	my $nsd = Martlet::Peer->new('nsd', zones => { 'example.com' => $text });
#	$nsd->ask('www.example.com', 'A');
#	my $unbound = Martlet::Peer->new('unbound', behind => $martlet, origins => [...],
#		anchors => ['example.com. 300 IN DNSKEY ...']);
#	my $named = Martlet::Peer->new('named', behind => $martlet, anchor_file => $path);
package Martlet::Peer;

use strict;
use warnings;

use parent qw(Martlet::Ask Martlet::Process);

use File::Copy ();
use Martlet::Process qw(find_program free_port poll write_file);
use Martlet::Wire qw(encode_query name_to_wire);
use Test::More ();

my %PROGRAM = (nsd => 'nsd', knot => 'knotd', bind => 'named');

sub program { return find_program($PROGRAM{ $_[0] } // $_[0]) }

# Skip the whole test, with the reason, when one of these is not installed; a machine
# that says CI=true must have them all.
sub need {
	my (@names) = @_;
	my @missing = grep { !program($_) } @names or return;

	die "missing: @missing (make deps-check)\n" if ($ENV{CI} // '') eq 'true';
	Test::More::plan(skip_all => "not installed: @missing");
	return;
}

# The same without the Perl module that checks signatures.
sub need_sec {
	return if eval { require Net::DNS; require Net::DNS::SEC; 1 };
	die "missing: Net::DNS::SEC (make deps-check)\n" if ($ENV{CI} // '') eq 'true';
	Test::More::plan(skip_all => 'not installed: Net::DNS::SEC');
	return;
}

# %arg: zones (origin => text), or zone_files (origin => path); options, text for the
# options of the server (NSD and BIND).
sub new {
	my ($class, $kind, %arg) = @_;
	my $self = bless { kind => $kind, %arg }, $class;
	my $index = 0;

	$self->_prepare;
	$self->{zone_files} //= {};
	for my $origin (sort keys %{ $arg{zones} // {} }) {
		my $path = sprintf '%s/%d.zone', $self->{dir}, $index++;
		$self->{zone_files}{$origin} = write_file($path, $arg{zones}{$origin});
	}
	$self->_start;
	return $self;
}

sub _start {
	my ($self) = @_;
	my $method = "_command_$self->{kind}";

	for my $attempt (1 .. 3) {
		$self->{port} = free_port();
		$self->_spawn($self->$method);
		return if poll(5, sub { !$self->running || $self->_ready }) && $self->running;
		last unless $self->log =~ /in use/;
	}
	$self->_end('KILL', 5);
	my @lines = split /\n/, $self->log;
	@lines = grep { !/built with|compiled|linked to|---/ } @lines;
	splice @lines, 0, @lines - 20 if @lines > 20;
	die join "\n", "$self->{kind} does not start:", @lines, '';
}

# Ready when each zone answers its SOA with AA; a resolver, when it answers at all.
sub _ready {
	my ($self) = @_;

	return defined $self->exchange(encode_query('localhost', 'A', rd => 1), seconds => 0.2)
	  if $self->{behind};
	for my $origin (sort keys %{ $self->{zone_files} }) {
		next if $self->{ready}{$origin};
		my $response = $self->exchange(encode_query($origin, 'SOA'), seconds => 0.2) // return 0;
		my $answer = Martlet::Answer->new($response);
		return 0 unless $answer->aa && $answer->rcode eq 'NOERROR';
		$self->{ready}{$origin} = 1;
	}
	return 1;
}

# Origins go into configuration files as text that needs no quoting there.
sub _origin_text {
	my ($origin) = @_;
	$origin =~ s/\.?$/./;
	return $origin;
}

sub _command_nsd {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $config = <<"END";
server:
	ip-address: $self->{address}
	port: $self->{port}
	username: ""
	chroot: ""
	zonesdir: "$dir"
	database: ""
	pidfile: ""
	xfrdfile: "$dir/xfrd.state"
	zonelistfile: "$dir/zone.list"
	xfrdir: "$dir"
	server-count: 1
	ipv4-edns-size: 65535
	tcp-count: 50
	minimal-responses: yes
	refuse-any: no
	round-robin: no
	rrl-ratelimit: 0
	hide-version: no
@{[ $self->{options} // '' ]}
remote-control:
	control-enable: no
END
	for my $origin (sort keys %{ $self->{zone_files} }) {
		$config .= sprintf "zone:\n\tname: \"%s\"\n\tzonefile: \"%s\"\n",
		  _origin_text($origin), $self->{zone_files}{$origin};
	}
	my $path = write_file("$dir/nsd.conf", $config);
	return program('nsd'), '-d', '-c', $path;
}

sub _command_knot {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $config = <<"END";
server:
    rundir: "$dir"
    listen: $self->{address}\@$self->{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 4096
    tcp-idle-timeout: 60
    nsid: ""
database:
    storage: "$dir"
    journal-db-max-size: 20M
    kasp-db-max-size: 20M
    timer-db-max-size: 1M
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "$dir"
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
zone:
END
	for my $origin (sort keys %{ $self->{zone_files} }) {
		$config .= sprintf "  - domain: \"%s\"\n    file: \"%s\"\n",
		  _origin_text($origin), $self->{zone_files}{$origin};
	}
	my $path = write_file("$dir/knot.conf", $config);
	return program('knot'), '-c', $path;
}

# What named's options begin with: where it is.
sub _named_place {
	my ($self) = @_;
	my $dir = $self->{dir};

	return <<"END";
options {
	directory "$dir";
	pid-file none;
	session-keyfile none;
	managed-keys-directory "$dir";
	listen-on port $self->{port} { $self->{address}; };
	listen-on-v6 { none; };
END
}

sub _command_bind {
	my ($self) = @_;
	my $config = $self->_named_place . <<"END";
	recursion no;
	allow-query { any; };
	notify no;
	minimal-responses yes;
	minimal-any no;
	zero-no-soa-ttl no;
	dnssec-validation no;
	check-names primary ignore;
	max-udp-size 4096;
	edns-udp-size 4096;
	rrset-order { order none; };
	check-mx ignore;
	check-integrity no;
	check-sibling no;
	check-srv-cname ignore;
	check-mx-cname ignore;
	check-wildcard no;
	empty-zones-enable no;
	max-records-per-type 0;
	max-types-per-name 0;
	@{[ $self->{options} // '' ]}
};
controls { };
logging { category default { null; }; category general { stderr_only; }; channel stderr_only {
	stderr; severity notice; }; };
END
	for my $origin (sort keys %{ $self->{zone_files} }) {
		$config .= sprintf "zone \"%s\" { type primary; file \"%s\"; masterfile-format text; };\n",
		  _origin_text($origin), $self->{zone_files}{$origin};
	}
	my $path = write_file("$self->{dir}/named.conf", $config);

	return $self->_copy('bind'), '-g', '-n', '1', '-c', $path;
}

# Keeps nothing, either.
sub _command_named {
	my ($self) = @_;
	my $config = $self->_named_place . <<"END";
	recursion yes;
	allow-recursion { any; };
	forward only;
	forwarders { @{[ $self->{behind}->address ]} port @{[ $self->{behind}->port ]}; };
	dnssec-validation yes;
	max-cache-ttl 0;
	max-ncache-ttl 0;
	synth-from-dnssec no;
	empty-zones-enable no;
};
controls { };
include "$self->{anchor_file}";
END
	return $self->_copy('named'), '-g', '-n', '1', '-c', write_file("$self->{dir}/named.conf", $config);
}

# AppArmor confines some programs by their paths to directories that are not ours.
sub _copy {
	my ($self, $kind) = @_;
	my $copy = "$self->{dir}/$kind";

	if (!-x $copy) {
		File::Copy::copy(program($kind), $copy) or die "$copy: $!\n";
		chmod 0755, $copy or die "$copy: $!\n";
	}
	return $copy;
}

# Keeps negative answers no longer than a moment, and proves nothing from those to others.
sub _command_unbound {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $config = <<"END";
server:
	interface: $self->{address}
	port: $self->{port}
	username: ""
	chroot: ""
	directory: "$dir"
	pidfile: ""
	use-syslog: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: "validator iterator"
	aggressive-nsec: no
	cache-max-ttl: 1
	cache-max-negative-ttl: 1
	val-log-level: 2
	qname-minimisation: no
END
	$config .= "\tlocal-zone: \"$_\" nodefault\n" for qw(test.);
	$config .= "\ttrust-anchor: '$_'\n" for @{ $self->{anchors} };
	$config .= "@{[ $self->{options} // '' ]}\nremote-control:\n\tcontrol-enable: no\n";
	$config .= sprintf "stub-zone:\n\tname: \"%s\"\n\tstub-addr: %s@%d\n", _origin_text($_),
	  $self->{behind}->address, $self->{behind}->port for @{ $self->{origins} };
	return $self->_copy('unbound'), '-d', '-c', write_file("$dir/unbound.conf", $config);
}

1;
