# Random zones that concentrate what is hard: few labels, so that wildcards, cuts,
# aliases and empty non-terminals fall upon each other.  All follows from one seed.
#
#	my $gen = ZoneGen->new(seed => 7, names => 80);
#	$gen->zones;			# { 'gen.test' => text, ... }, nested and linked
#	$gen->signed(nsec3 => 1);	# the same with signatures
#	$gen->queries(500);		# ([name as text, type as text], ...)
package ZoneGen;

use strict;
use warnings;

use File::Temp ();
use Martlet::Denial ();
use Martlet::Process qw(find_program read_file write_file);
use Martlet::Wire qw(name_to_text);

# Zones that are served together.  The second and third lie below the first, one of
# them without a cut there; the last is the target of many aliases.
my @ORIGINS = qw(gen.test sub.gen.test island.a.gen.test moved.test other.test);

my @LABELS = (qw(a b c d www mail ns A-b _tcp xn--bcher-kva 0), '*', '*', '*',
	"\0", "\xff", 'dot.dot', 'sp ace', 'q"uo;te', "n\xe9\x80\n", '@', 'x' x 63,
	# not at the end of a label: NSD 4.6 misreads "\\\\." in a zone file
	'back\\slash');

my @TYPES = qw(A A AAAA TXT MX SRV PTR NAPTR SVCB HTTPS CAA HINFO RP AFSDB SSHFP TLSA
  LOC URI TYPE65280 KX RT);

sub new {
	my ($class, %arg) = @_;
	my $self = bless { names => 60, big => 1, labels => \@LABELS, %arg }, $class;

	$self->{x} = ($self->{seed} * 2654435761 + 1) & 0x7fffffff;
	$self->{zone}{$_} = $self->_zone($_) for @ORIGINS;
	return $self;
}

sub origins { return @ORIGINS }

# Labels that ldns-signzone writes as others can read them: it escapes no quotes, no "@".
sub labels_for_ldns { return [grep { !/["\@]/ } @LABELS] }

sub _rand {
	my ($self, $n) = @_;
	$self->{x} = ($self->{x} * 1103515245 + 12345) & 0x7fffffff;
	return ($self->{x} >> 8) % $n;
}

sub _chance { my ($self, $percent) = @_; return $self->_rand(100) < $percent }
sub _pick   { my ($self, @list) = @_; return $list[ $self->_rand(scalar @list) ] }

# Names are lists of raw labels, keyed by lower-cased wire form.
sub _wire { return pack('(C/a*)*', @_) . "\0" }
sub _key  { return lc _wire(@_) }
sub _text { return name_to_text(_wire(@_)) }

sub _ancestors {
	my $key = _key(@_);
	my @names;
	push @names, $key = substr $key, 1 + ord $key while $key ne "\0";
	return @names;
}

# A name that the chosen label would make too long is cut to what fits.
sub _fits { my (@labels) = @_; return length(_wire(@labels)) <= 255 }

sub _random_name {
	my ($self, $zone) = @_;
	my @base = $self->_chance(60) && @{ $zone->{order} }
	  ? @{ $self->_pick(@{ $zone->{order} }) } : @{ $zone->{apex} };
	my $depth = 1 + $self->_rand(3);

	for (1 .. $depth) {
		last if @base > 12;
		my @longer = ($self->_pick(@{ $self->{labels} }), @base);
		last unless _fits('*', @longer);
		@base = @longer;
	}
	return @base;
}

# A name to point at: in this zone (existing or not), in another one, outside.
sub _target {
	my ($self, $zone) = @_;
	my $where = $self->_rand(10);

	if ($where < 5 && @{ $zone->{order} }) {
		return @{ $self->_pick(@{ $zone->{order} }) };
	} elsif ($where < 7) {
		return $self->_random_name($zone);
	} elsif ($where < 9) {
		my @apex = split /\./, $self->_pick(@ORIGINS);
		return ($self->_pick(@LABELS[0 .. 8]), @apex);
	}
	return ($self->_pick(qw(www mail a)), 'elsewhere', 'invalid');
}

sub _target_text { my ($self, $zone) = @_; return _text($self->_target($zone)) }

sub _address  { my ($self) = @_; return join '.', 192, 0, 2, $self->_rand(256) }
sub _address6 { my ($self) = @_; return sprintf '2001:db8::%x', $self->_rand(65536) }

sub _hex { my ($self, $len) = @_; return join '', map { sprintf '%02x', $self->_rand(256) } 1 .. $len }

my %RDATA = (
	A     => sub { $_[0]->_address },
	AAAA  => sub { $_[0]->_address6 },
	NS    => sub { $_[0]->_target_text($_[1]) },
	CNAME => sub { $_[0]->_target_text($_[1]) },
	DNAME => sub { $_[0]->_target_text($_[1]) },
	PTR   => sub { $_[0]->_target_text($_[1]) },
	TXT   => sub { '"t' . $_[0]->_rand(1000) . ' \\255\\000"' },
	MX    => sub { $_[0]->_rand(100) . ' ' . $_[0]->_target_text($_[1]) },
	KX    => sub { $_[0]->_rand(100) . ' ' . $_[0]->_target_text($_[1]) },
	RT    => sub { $_[0]->_rand(100) . ' ' . $_[0]->_target_text($_[1]) },
	SRV   => sub { join ' ', $_[0]->_rand(9), 1, $_[0]->_rand(9999), $_[0]->_target_text($_[1]) },
	NAPTR => sub { join ' ', $_[0]->_rand(9), 1, '"' . $_[0]->_pick('s', 'a', '') . '" "x" ""',
		$_[0]->_target_text($_[1]) },
	SVCB  => sub { $_[0]->_rand(3) . ' ' . ($_[0]->_chance(20) ? '.' : $_[0]->_target_text($_[1])) },
	HTTPS => sub { '1 ' . ($_[0]->_chance(40) ? '.' : $_[0]->_target_text($_[1])) . ' alpn="h2"' },
	CAA   => sub { '0 issue "ca' . $_[0]->_rand(9) . '.example"' },
	HINFO => sub { '"cpu" "os' . $_[0]->_rand(9) . '"' },
	RP    => sub { join ' ', map { $_[0]->_target_text($_[1]) } 1, 2 },
	AFSDB => sub { '1 ' . $_[0]->_target_text($_[1]) },
	SSHFP => sub { '4 2 ' . $_[0]->_hex(32) },
	TLSA  => sub { '3 1 1 ' . $_[0]->_hex(32) },
	LOC   => sub { '52 ' . $_[0]->_rand(60) . ' 0.000 N 13 0 0.000 E 34.00m 1.00m 10000.00m 10.00m' },
	URI   => sub { '1 1 "https://u' . $_[0]->_rand(9) . '.example/"' },
	DS    => sub { $_[0]->_rand(65536) . ' 13 2 ' . $_[0]->_hex(32) },
	TYPE65280 => sub { my $n = $_[0]->_rand(9); "\\# $n " . $_[0]->_hex($n) },
);

# Add one RRset of `count` records; what would make the zone unloadable is left out.
sub _add {
	my ($self, $zone, $name, $type, $count, $rdata) = @_;
	my $key  = _key(@$name);
	my $sets = $zone->{sets}{$key};

	return if $sets && ($sets->{CNAME} || ($type eq 'CNAME' && %$sets) || $sets->{$type});
	# (NSD sees all zones as one tree here, too)
	my @zones = ($zone, values %{ $self->{zone} });
	for my $ancestor (_ancestors(@$name)) {
		return if grep { $_->{dname}{$ancestor} } @zones;
	}
	if ($type eq 'DNAME') {
		return if grep { $_->{below}{$key} } @zones;
		return if ($sets && $sets->{NS});
		$zone->{dname}{$key} = 1;
	}
	return if $type eq 'NS' && $sets && $sets->{DNAME};
	if (!$sets) {
		$sets = $zone->{sets}{$key} = {};
		push @{ $zone->{order} }, $name;
		$zone->{name}{$key} = $name;
		$zone->{below}{$_} = 1 for _ancestors(@$name);
	}
	my %seen;
	my @rdata = grep { !$seen{ lc $_ }++ } map { $rdata // $RDATA{$type}->($self, $zone) } 1 .. $count;
	$sets->{$type} = { ttl => $self->_pick(0, 60, 300, 3600, 86400), rdata => \@rdata };
	return 1;
}

sub _add_cut {
	my ($self, $zone, $name) = @_;
	my @cut = @$name;

	return if $cut[0] eq '*' || @cut == @{ $zone->{apex} };
	# BIND loads no zone with a cut at the name of its own server
	return if $cut[0] eq 'ns' && @cut == 1 + @{ $zone->{apex} };
	my @servers;
	for (1 .. 1 + $self->_rand(3)) {
		my $where = $self->_rand(10);
		if ($where < 5) { push @servers, ['ns' . $self->_rand(3), @cut] }
		elsif ($where < 7 && @{ $zone->{cuts} }) {
			push @servers, ['ns' . $self->_rand(3), @{ $self->_pick(@{ $zone->{cuts} }) }];
		} else { push @servers, [$self->_target($zone)] }
	}
	my %seen;
	@servers = grep { _fits('*', @$_) && !$seen{ _key(@$_) }++ } @servers;
	return unless @servers;
	my $sets = $zone->{sets}{ _key(@cut) };
	return if $sets && ($sets->{CNAME} || $sets->{DNAME} || $sets->{NS});
	$self->_add($zone, \@cut, 'NS', 1, _text(@{ $servers[0] })) or return;
	$zone->{sets}{ _key(@cut) }{NS}{rdata} = [map { _text(@$_) } @servers];
	push @{ $zone->{cuts} }, \@cut;
	for my $server (@servers) {
		my $tail = _key(@{ $zone->{apex} });
		next unless _key(@$server) =~ /\Q$tail\E\z/s && $self->_chance(75);
		next if _key(@$server) eq $tail;
		$self->_add($zone, $server, $_, 1 + $self->_rand(2))
		  for @{ $self->_pick(['A'], ['AAAA'], ['A', 'AAAA']) };
	}
	$self->_add($zone, \@cut, 'DS', 1 + $self->_rand(2)) if $self->_chance(50);
	return;
}

sub _add_something {
	my ($self, $zone) = @_;
	my @name = $self->_random_name($zone);
	my $kind = $self->_rand(100);

	if ($kind < 18) {
		$self->_add($zone, \@name, 'CNAME', 1);
	} elsif ($kind < 30) {
		$self->_add_cut($zone, \@name);
	} elsif ($kind < 36 && $name[0] ne '*') {
		$self->_add($zone, \@name, 'DNAME', 1);
		$self->_add($zone, \@name, 'TXT', 1) if $self->_chance(30);
	} else {
		$self->_add($zone, \@name, $self->_pick(@TYPES), 1 + $self->_rand(3))
		  for 1 .. 1 + $self->_rand(3);
	}
	return;
}

# Lists of things that random choice finds too seldom.
sub _add_rare {
	my ($self, $zone) = @_;
	my @apex = @{ $zone->{apex} };

	# aliases in a circle, an alias to itself, one to what does not exist
	$self->_add($zone, ['loop1', @apex], 'CNAME', 1, _text('loop2', @apex));
	$self->_add($zone, ['loop2', @apex], 'CNAME', 1, _text('loop1', $self->_chance(50)
		? @apex : qw(other test)));
	$self->_add($zone, ['self', @apex], 'CNAME', 1, _text('self', @apex));
	$self->_add($zone, ['dangling', @apex], 'CNAME', 1, _text('nowhere', @apex));
	# a DNAME whose results are too long, one that leads to itself, one to the parent
	$self->_add($zone, ['long', @apex], 'DNAME', 1,
		_text(('y' x 60) x 3, 'z' x 30, qw(other test)));
	$self->_add($zone, ['grow', @apex], 'DNAME', 1, _text('grow', 'grow', @apex));
	$self->_add($zone, ['up', @apex], 'DNAME', 1, _text(@apex));
	# an empty wildcard, a wildcard below a wildcard, one with an alias
	$self->_add($zone, ['below', '*', 'empty', @apex], 'A', 1);
	$self->_add($zone, ['*', '*', 'twice', @apex], 'TXT', 1);
	$self->_add($zone, ['*', 'alias', @apex], 'CNAME', 1);
	$self->_add($zone, ['*', 'chain', @apex], 'CNAME', 1, _text('x', 'alias', @apex));
	# one that leads to itself, one that leaves through a DNAME, targets from a wildcard
	$self->_add($zone, ['*', 'circle', @apex], 'CNAME', 1, _text('y', 'circle', @apex));
	$self->_add($zone, ['*', 'leave', @apex], 'CNAME', 1, _text('a', 'up', @apex));
	$self->_add($zone, ['*', 'addresses', @apex], $_, 1) for qw(A AAAA);
	$self->_add($zone, ['*', 'service', @apex], 'SRV', 1, '1 1 1 ' . _text('x', 'addresses', @apex));
	$self->_add($zone, ['*', 'service', @apex], 'MX', 1, '1 ' . _text('ns', @apex));
	# a name as long as names get: dnssec-signzone puts an asterisk before each
	my @rest = (('l' x 63) x 3, @apex);
	unshift @rest, 'm' x (252 - length _wire(@rest));
	$self->_add($zone, \@rest, $_, 1) for qw(TXT MX);
	# as deep as names get, with a wildcard down there
	my @deep = (('d') x 50, @apex);
	$self->_add($zone, [('d') x 50, @deep], 'A', 1);
	$self->_add($zone, ['*', @deep], 'TXT', 1);
	return unless $self->{big};
	$self->_add($zone, ['big', @apex], 'TXT', 1);
	$zone->{sets}{ _key('big', @apex) }{TXT}{rdata} =
	  [map { '"' . sprintf('%03d', $_) . 'x' x 150 . '"' } 1 .. 3 + $self->_rand(30)];
	return;
}

sub _zone {
	my ($self, $origin) = @_;
	my @apex = split /\./, $origin;
	my $zone = { apex => \@apex, sets => {}, order => [], below => {}, dname => {}, cuts => [] };

	$self->_add($zone, \@apex, 'SOA', 1, sprintf 'ns.%s. host.%s. %d 3600 600 86400 %d',
		$origin, $origin, 1 + $self->_rand(1000), $self->_pick(30, 900, 7200));
	$self->_add($zone, \@apex, 'NS', 1, 'ns.other.test.');
	$self->_add($zone, \@apex, $_, 1 + $self->_rand(2)) for qw(MX TXT A);
	if ($origin eq 'moved.test') {
		# a DNAME at the apex: nothing may stand below
		$self->_add($zone, \@apex, 'DNAME', 1, 'gen.test.');
		return $zone;
	}
	push @{ $zone->{sets}{ _key(@apex) }{NS}{rdata} }, "ns.$origin.";
	$self->_add($zone, ['ns', @apex], $_, 1) for qw(A AAAA);
	$self->_add_rare($zone);
	if ($origin eq 'gen.test') {
		# the cut to a zone that is served here too
		my @sub = ('sub', @apex);
		$self->_add($zone, \@sub, 'NS', 1, 'ns.sub.gen.test.');
		$self->_add($zone, \@sub, 'DS', 1);
		$self->_add($zone, ['ns', @sub], 'A', 1);
		push @{ $zone->{cuts} }, \@sub;
	}
	$self->_add_something($zone) for 1 .. $self->{names};
	return $zone;
}

sub _zone_text {
	my ($self, $zone) = @_;
	my @lines;

	for my $name (@{ $zone->{order} }) {
		my $sets = $zone->{sets}{ _key(@$name) };
		my $owner = _text(@$name);
		for my $type (sort { ($b eq 'SOA') <=> ($a eq 'SOA') || $a cmp $b } keys %$sets) {
			push @lines, map {"$owner $sets->{$type}{ttl} IN $type $_\n"}
			  @{ $sets->{$type}{rdata} };
		}
	}
	return join '', @lines;
}

sub zones {
	my ($self) = @_;
	return { map { $_ => $self->_zone_text($self->{zone}{$_}) } @ORIGINS };
}

sub signer { return find_program('dnssec-signzone') && find_program('dnssec-keygen') }

# Sign zone text with one P-256 key.  %how: nsec3, optout, salt (hex), iterations; ldns: by
# ldns-signzone.
# returns the signed text; dies with what the signer said.
sub sign_zone {
	my ($origin, $text, %how) = @_;
	my $tmp = File::Temp->newdir('martlet-sign-XXXXXX', TMPDIR => 1);
	my $plain = write_file("$tmp/plain", $text);
	my @denial = $how{nsec3}
	  ? ('-3', $how{salt} || '-', '-H', $how{iterations} // 0, $how{optout} ? '-A' : ()) : ();

	_run($tmp, find_program('dnssec-keygen'), '-q', '-K', "$tmp", '-a', $how{algorithm} // 'ECDSAP256SHA256',
		'-f', 'KSK', '-n', 'ZONE', '-T', 'DNSKEY', $origin);
	if ($how{ldns}) {
		my ($key) = glob "$tmp/K*.private";
		my @ldns = $how{nsec3}
		  ? ('-n', $how{salt} ? ('-s', $how{salt}) : (), '-t', $how{iterations} // 0, $how{optout} ? '-p' : ()) : ();

		_run($tmp, find_program('ldns-signzone'), '-o', $origin, '-f', "$tmp/signed", @ldns, $plain,
			$key =~ s/[.]private$//r);
		return read_file("$tmp/signed");
	}
	# -q: a warning is no output; -z: this one key signs all; -S takes it from the directory
	_run($tmp, find_program('dnssec-signzone'), '-q', '-z', '-S', '-K', "$tmp", '-d', "$tmp",
		'-o', $origin, '-O', 'full', '-f', "$tmp/signed", @denial, $plain);
	return read_file("$tmp/signed");
}

sub _run {
	my ($dir, @command) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDOUT, '>', "$dir/output" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT     or POSIX::_exit(126);
		chdir $dir or POSIX::_exit(126);
		exec {$command[0]} @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	die "@command: status $?\n" . read_file("$dir/output") if $?;
	return;
}

sub signed {
	my ($self, %how) = @_;
	my $zones = $self->zones;
	return { map { $_ => sign_zone($_, $zones->{$_}, %how) } @ORIGINS };
}

# Whether this name (wire form), one between it and the deepest apex above it, or a
# wildcard there, exists in the files of a parent zone alone; or is an apex that its parent zone knows nothing of.
sub hidden {
	my ($self, $wire) = @_;
	my @labels = Martlet::Denial::labels_of($wire);
	my @below;
	my $own = $self->{zone}{ join '.', @labels };

	return 1 if $own && !grep { $_ != $own && $_->{sets}{ lc $wire } } values %{ $self->{zone} };

	while (@labels) {
		my $zone = $self->{zone}{ join '.', @labels };
		if ($zone) {
			for my $other (grep { $_ != $zone } values %{ $self->{zone} }) {
				return 1 if grep { ($other->{sets}{$_} || $other->{below}{$_})
					&& !($zone->{sets}{$_} || $zone->{below}{$_}) } @below;
			}
			return 0;
		}
		push @below, _key(@labels), _key('*', @labels);
		shift @labels;
	}
	return 0;
}

# Whether some zone's file has this name (wire form), or one below it.
sub exists_name {
	my ($self, $wire) = @_;
	my $key = lc $wire;
	return scalar grep { $_->{sets}{$key} || $_->{below}{$key} } values %{ $self->{zone} };
}

# Names to ask for: each that exists, its parents, its neighbours, what lies below.
sub _names {
	my ($self) = @_;
	my %names;

	for my $zone (values %{ $self->{zone} }) {
		for my $name (@{ $zone->{order} }) {
			my @labels = @$name;
			my ($first, @rest) = @labels;
			my @near = ([@labels], ['nope', @labels], ['x', 'y', @labels], ['*', @labels],
				["$first-", @rest], ["\0", @labels], ["\xff\xff", @rest], ['~', @rest],
				['zz', '*', @rest], ["\U$first", @rest]);
			push @near, [@rest], ['nope', @rest], ['sub', 'nope', @rest]
			  if @labels > @{ $zone->{apex} };
			for my $near (grep { _fits(@$_) && !grep { length > 63 } @$_ } @near) {
				$names{ _wire(@$near) } = 1;
			}
		}
	}
	$names{ _wire(@$_) } = 1 for ['test'], ['nope', 'test'], [], ['www', 'elsewhere', 'invalid'];
	return sort keys %names;
}

# At most `count` queries, drawn from every name with every interesting type.
sub queries {
	my ($self, $count) = @_;
	my @names = $self->_names;
	my @asked = (qw(A AAAA NS DS SOA MX TXT CNAME DNAME SRV TYPE65280 HTTPS ANY RRSIG NSEC
		NSEC3 DNSKEY NSEC3PARAM NAPTR TYPE1234));
	my %seen;
	my @queries;

	for (1 .. $count * 2) {
		last if @queries >= $count;
		my $name = name_to_text($names[ $self->_rand(scalar @names) ]);
		my $type = $self->_chance(50) ? $self->_pick(qw(A A TXT NS DS MX)) : $self->_pick(@asked);
		push @queries, [$name, $type] unless $seen{"$name $type"}++;
	}
	return @queries;
}

1;
