#!/usr/bin/perl
# Each rollover in real time, TTLs of a second, under a validating resolver that asks
# throughout: nothing is bogus, nothing insecure.  The parent, played here, does what CDS says.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Copy qw(copy);
use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program free_port poll read_file write_file);
use SignedZone qw(write_anchor);
use Test::More;
use Time::HiRes qw(sleep time);

Martlet::Peer::need(qw(unbound));
if (!eval { require Net::DNS; require Net::DNS::SEC; 1 }) {
	die "missing: Net::DNS::SEC (make deps-check)\n" if ($ENV{CI} // '') eq 'true';
	plan(skip_all => 'not installed: Net::DNS::SEC');
}

my $PARENT = 'par.test';
my %child = map { ($_ => "$_.$PARENT") } qw(zsk ksk csk alg leave);

package Validator {
	use parent -norequire, 'Martlet::Process';

	sub new {
		my ($class) = @_;
		my $self = bless {}, $class;
		$self->_prepare;
		$self->{port} = Martlet::Process::free_port();
		return $self;
	}

	sub run {
		my ($self, $m, $anchor, @zones) = @_;
		my $stubs = join '', map { "stub-zone:\n  name: $_\n  stub-addr: 127.0.0.1\@" . $m->port . "\n" } @zones;
		my $config = Martlet::Process::write_file($self->dir . '/unbound.conf', <<"END");
server:
  interface: 127.0.0.1\@@{[$self->port]}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  directory: "@{[$self->dir]}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  val-log-level: 2
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor: "$anchor"
  harden-algo-downgrade: yes
  local-zone: "test." nodefault
  val-bogus-ttl: 1
  cache-max-negative-ttl: 1
  aggressive-nsec: yes
  serve-expired: no
remote-control:
  control-enable: no
$stubs
END
		# AppArmor confines unbound by its path to directories that are not ours
		my $copy = $self->dir . '/unbound';
		File::Copy::copy(Martlet::Process::find_program('unbound'), $copy) or die "$copy: $!\n";
		chmod 0755, $copy or die "$copy: $!\n";
		$self->_spawn($copy, '-d', '-c', $config);
		return;
	}
}

package main;

sub zone_text {
	my ($zone, $serial, @more) = @_;
	return join "\n", "\$TTL 1", "$zone. SOA ns.$zone. h.$zone. $serial 3600 600 86400 1", "$zone. NS ns.$zone.",
	  "ns.$zone. A 127.0.0.1", "www.$zone. A 192.0.2.2", "*.wild.$zone. TXT w", @more, '';
}

sub answer_of {
	my ($m, $name, $type) = @_;
	return grep { $_->type eq $type } $m->ask($name, $type, tcp => 1)->packet->answer;
}

# The parent's zone, with the DS that its children are to have.
my (%ds, $serial);
sub write_parent {
	my ($m) = @_;
	my $path = $m->dir . "/$PARENT.zone";
	my @cuts = map { my $zone = $child{$_}; ("$zone. NS ns.$zone.", "ns.$zone. A 127.0.0.1",
		map { "$zone. DS $_" } @{ $ds{$_} // [] }) } sort keys %child;
	write_file("$path.new", zone_text($PARENT, ++$serial, @cuts));
	rename "$path.new", $path or die "$path: $!\n";
	return;
}

my $m = Martlet->new(start => 0, config => {});
$m->{arg}{config} = {
	dnssec => { zsk_days => 0 },
	zones => { files => [map { { origin => "$_.", file => $m->dir . "/$_.zone", sign => \1 } } $PARENT, values %child] },
};
write_file($m->dir . "/$_.zone", zone_text($_, 1)) for values %child;
write_parent($m);
$m->expect_log(qr/it has no key/);
$m->start;
for my $name (sort keys %child) {
	my ($exit, $json) = $m->ctl('keys', 'generate', $child{$name}, $name eq 'csk' || $name eq 'leave' ? () : '--split');
	is($exit, 0, "$child{$name} has keys") or diag($m->{ctl_stderr});
	$ds{$name} = [map { $_->{ds} } grep { $_->{ds} } @{ $json->{keys} }];
}
$m->ctl('keys', 'generate', $PARENT);
write_parent($m);
is($m->ctl('reload')->{changed}, 6, 'all zones are signed');
my ($key) = answer_of($m, $PARENT, 'DNSKEY');
my $unbound = Validator->new;
$unbound->run($m, "$PARENT. DS " . join(' ', $key->keytag, 13, 2, Net::DNS::RR::DS->create($key, digtype => 'SHA256')->digest),
	$PARENT, values %child);

# Ask for what is there and what is not, by name and by wildcard, until told to end.
sub ask_throughout {
	my ($path) = @_;
	my $resolver = Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $unbound->port, dnssec => 1,
		recurse => 1, udp_timeout => 5, retry => 1, retrans => 5, igntc => 0);
	my ($count, %bad) = (0);

	while (!-e "$path.end") {
		for my $zone (sort values %child) {
			for my $case (["www.$zone", 'A'], ["no$count.$zone", 'A'], ["www.$zone", 'TXT'], ["a$count.wild.$zone", 'TXT'],
				[$zone, 'DNSKEY']) {
				my $packet = $resolver->send(@$case);
				my $state = !$packet ? 'none' : $packet->header->rcode eq 'SERVFAIL' ? 'SERVFAIL'
				  : $packet->header->ad ? 'secure' : 'insecure';
				$bad{"$zone $state " . $case->[1]}++ if $state ne 'secure';
				$bad{"$zone $state"}++;
				$count++;
			}
		}
		sleep 0.02;
	}
	write_file($path, join '', map { "$_\t$bad{$_}\n" } sort keys %bad);
	return;
}

ok(poll(20, sub { my $r = Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $unbound->port, dnssec => 1, udp_timeout => 2, retry => 1)
	->send("www.$child{zsk}", 'A'); $r && $r->header->ad }), 'a validator finds them secure') or diag($unbound->log);

my $told = $m->dir . '/asked';
my $asker = fork // die "fork: $!\n";
if ($asker == 0) {
	ask_throughout($told);
	require POSIX;
	POSIX::_exit(0);
}

sub states {
	my ($name) = @_;
	my $json = $m->ctl('keys', $child{$name});
	return { map { ($_->{tag} => $_) } @{ $json->{keys} } };
}

my %first = map { ($_ => states($_)) } keys %child;

# what the parent does all the time
sub follow_cds {
	my $changed;
	for my $name (sort keys %child) {
		my @cds = map { my $rr = $_; $rr->algorithm ? join ' ', $rr->keytag, $rr->algorithm, $rr->digtype, uc $rr->digest : 'delete' }
		  answer_of($m, $child{$name}, 'CDS');
		next if !@cds;
		@cds = sort grep { $_ ne 'delete' } @cds;
		next if "@cds" eq join ' ', sort @{ $ds{$name} };
		$ds{$name} = \@cds;
		$changed = 1;
	}
	if ($changed) {
		write_parent($m);
		$m->ctl('reload', $PARENT);
	}
	return;
}

sub roll {
	my (@args) = @_;
	my ($exit, $json) = $m->ctl('keys', @args);
	is($exit, 0, "keys @args") or diag($m->{ctl_stderr});
	return $json;
}

roll('roll', $child{zsk}, 'zsk');
roll('roll', $child{ksk}, 'ksk');
roll('roll', $child{csk});
roll('roll', $child{alg}, 'algorithm', 15);
roll('unsign', $child{leave});
my ($refused) = $m->ctl('keys', 'roll', $child{zsk}, 'zsk');
is($refused, 1, 'a second roll meanwhile is refused');

my %seen;
sub is_rolled {
	my ($name) = @_;
	my $now = states($name);
	$seen{$name}{ $_->{role} . ' ' . $_->{state} }++ for values %$now;
	my $old = grep { $now->{$_} && $now->{$_}{state} ne 'active' } keys %{ $first{$name} };
	my @gone = grep { !$now->{$_} } keys %{ $first{$name} };
	return @gone && !grep { $_->{state} ne 'active' } values %$now;
}

my %done;
my $began = time;
poll(90, sub {
	follow_cds();
	for my $name (qw(zsk ksk csk alg)) {
		$done{$name} ||= is_rolled($name) && sprintf '%.1f', time - $began;
	}
	return 4 == grep { $_ } values %done;
});
for my $name (qw(zsk ksk csk alg)) {
	ok($done{$name}, "$name: rolled" . ($done{$name} ? " in $done{$name} s" : '')) or diag(explain(states($name)));
}
is_deeply([grep { $seen{zsk}{$_} } 'zsk published', 'zsk retired', 'ksk active'], ['zsk published', 'zsk retired', 'ksk active'],
	'ZSK: pre-publication');
ok($seen{ksk}{'ksk published'} && $seen{ksk}{'ksk retired'}, 'KSK: double signature') or diag(explain($seen{ksk}));
ok($seen{alg}{'zsk signing'} && $seen{alg}{'zsk withdrawn'}, 'algorithm: signatures first, and last') or diag(explain($seen{alg}));
is_deeply([sort map { $_->{algorithm} } values %{ states('alg') }], [15, 15], 'algorithm 15 signs alone');
is(scalar(answer_of($m, $child{ksk}, 'CDS')), 0, 'CDS goes when the roll is over');

# who leaves has no DS any more, and is signed until the resolver can have forgotten it
is_deeply($ds{leave}, [], 'the parent has removed a DS: CDS asked for it');
my ($delete) = answer_of($m, $child{leave}, 'CDNSKEY');
is($delete ? join(' ', $delete->flags, $delete->algorithm) : '', '0 0', 'CDNSKEY asks, too');

write_file("$told.end", '');
waitpid $asker, 0;
my %asked = map { split /\t/ } split /\n/, read_file($told);
for my $name (sort keys %child) {
	my $zone = $child{$name};
	cmp_ok($asked{"$zone secure"} // 0, '>', 100, "$zone: asked throughout");
	is($asked{"$zone SERVFAIL"} // 0, 0, "$zone: never bogus") or diag($unbound->log);
	is($asked{"$zone none"} // 0, 0, "$zone: always answered");
	is($asked{"$zone insecure"} // 0, 0, "$zone: never insecure") if $name ne 'leave';
}
$unbound->stop;

# once more by age; what is known of rolls outlasts a restart
my $before = states('ksk');
$m->{arg}{config}{dnssec} = { zsk_days => 0.00006, ksk_days => 300 };
$m->write_config;
$m->restart;
is_deeply([sort grep { $before->{$_}{state} eq 'active' } keys %{ states('ksk') }], [sort keys %$before], 'nothing is lost by a restart');
my ($zsk) = grep { $before->{$_}{role} eq 'zsk' } keys %$before;
ok(poll(60, sub { my $now = states('ksk'); !$now->{$zsk} || $now->{$zsk}{state} eq 'retired' }), 'zsk_days: a ZSK that is old is rolled')
  or diag(explain(states('ksk')));
my ($exit) = $m->ctl('keys', 'unsign', $child{leave});
is($exit, 0, 'unsign, once more') or diag($m->{ctl_stderr});
is(scalar(answer_of($m, $child{leave}, 'DNSKEY')), 0, 'unsigned at once');
($exit) = $m->ctl('keys', 'generate', $child{leave});
is($exit, 0, 'generate: signed again');
$m->ctl('reload');
ok(scalar(answer_of($m, $child{leave}, 'DNSKEY')), 'by the key that it had');
for my $case (['ds-seen', $child{ksk}, 1], ['roll', 'nowhere.test'], ['roll', $child{ksk}, 'algorithm', 9], ['roll', $child{ksk}, 'all'],
	['ds-seen', $child{ksk}, 'x'], ['roll', $child{csk}, 'zsk']) {
	($exit) = $m->ctl('keys', @$case);
	is($exit, 1, "refused: keys @$case");
}
$m->stop;

done_testing();
