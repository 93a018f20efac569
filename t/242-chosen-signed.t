#!/usr/bin/perl
# `rollback` and `swap` take back data, not keys: whatever is chosen is valid by the keys that
# the parent knows, over a restart and until `resume`; what cannot be is refused.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program poll read_file write_file);
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;

Martlet::Peer::need(qw(delv dnssec-keygen));
Martlet::Peer::need_sec();

sub zone_text {
	my ($serial, $more) = @_;
	return "\@ 300 IN SOA ns h $serial 3600 600 86400 60\n\@ NS ns\nns A 192.0.2.1\nmx MX 5 Mail\n"
	  . "x.y.ent TXT \"x\"\n*.wild A 192.0.2.7\ncut NS ns.cut\nns.cut A 192.0.2.8\n" . ($more // '');
}

# In place of all that are there.
sub new_key {
	my ($dir) = @_;
	unlink glob "$dir/K*";
	open my $pipe, '-|', find_program('dnssec-keygen'), '-q', '-K', $dir, '-a', 13, '-f', 'KSK', $ORIGIN or die "keygen: $!\n";
	chomp(my $name = <$pipe>);
	close $pipe or die "dnssec-keygen\n";
	my ($line) = grep { !/^;/ } split /\n/, read_file("$dir/$name.key");
	return Net::DNS::RR->new($line);
}

my $m = Martlet->new(start => 0);
my $keys = $m->dir . '/keys';
my $anchor;

mkdir $keys or die "keys: $!\n";
$m->{arg}{config} = { dnssec => { key_dir => $keys }, generations => { keep => 10 } };
$m->write_zone($ORIGIN, zone_text(1, "old A 192.0.2.9\n"));
$m->write_zone('plain.test', zone_text(1));
write_file($m->dir . "/zones/$ORIGIN.json", <<'END');
{ "@config": { "dnssec": true },
  "chosen": { "a": { "ttl": 60, "filter": { "count": "single", "order": "rr" },
                     "records": [ { "ip": "192.0.2.21" }, { "ip": "192.0.2.22" } ] } } }
END
new_key($keys);
$m->expect_log(qr/\Q$ORIGIN\E/, qr/rollback|swap/);
$m->start;

sub generation { return ($m->ctl('status'))[1]{generation} }
sub serial { return ($m->ask($ORIGIN, 'SOA')->packet->answer)[0]->serial }

sub is_valid {
	my ($what) = @_;
	my @cases = (['SOA', '', 'fully validated'], ['DNSKEY', '', 'fully validated'], ['MX', 'mx.', 'fully validated'],
		['A', 'a.wild.', 'fully validated'], ['A', 'none.', 'nxdomain, negative response, fully validated'],
		['A', 'y.ent.', 'nxrrset, negative response, fully validated'],
		($what =~ /swap/ ? () : ['A', 'chosen.', 'fully validated']),
		['DS', 'cut.', 'nxrrset, negative response, fully validated']);
	my @wrong;

	for my $case (@cases) {
		my ($type, $prefix, $want) = @$case;
		my ($verdict, $text) = delv($m, $anchor, "$prefix$ORIGIN", $type);
		push @wrong, "$prefix$ORIGIN $type: $verdict\n$text" if $verdict ne $want;
	}
	is("@wrong", '', "$what: valid");
	return;
}

my $first = generation();
$m->write_zone($ORIGIN, zone_text(2, "new A 192.0.2.10\n"));
is(($m->ctl('reload'))[0], 0, 'another state');
my $second = generation();
my $key = new_key($keys);
$m->write_zone($ORIGIN, zone_text(3));
is(($m->ctl('reload'))[0], 0, 'another key');
$anchor = write_anchor($m, $key);
is_valid('before');

my ($exit, $json) = $m->ctl('rollback', $first);
is($exit, 0, 'rollback') or diag($json->{error});
is(serial(), 1, 'the data are the old ones');
is(($m->ask("old.$ORIGIN", 'A'))->rcode, 'NOERROR', 'with names that were gone');
is_valid('rollback');
isnt(generation(), $first, 'a generation of its own has the signatures');
is(generation(), $json->{generation}, 'and the reply names it');
$m->stop;
$m->start;
is(serial(), 1, 'a restart keeps the choice');
is_valid('restart');
($exit) = $m->ctl('rollback', $second);
is($exit, 0, 'from one to another');
is(serial(), 2, 'its data');
is_valid('second rollback');
my $chosen = generation();
($exit) = $m->ctl('rollback', $chosen);
is($exit, 0, 'to itself');
is(generation(), $chosen, 'what is well signed is taken as it is');
is(($m->ctl('resume'))[0], 0, 'resume');
is(serial(), 3, 'the newest data');
is_valid('resume');

# From outside: unsigned there, signed here
my $other = Martlet->new(start => 0);
$other->write_zone($ORIGIN, zone_text(9, "outside A 192.0.2.11\n"));
$other->{port} //= 5300;
$other->write_config;
is(($other->ctl_text('-c', $other->config_path, 'build', $m->dir . '/built'))[0], 0, 'built elsewhere, unsigned');
($exit, $json) = $m->ctl('swap', $m->dir . '/built');
is($exit, 0, 'swap') or diag($json->{error});
is(serial(), 9, 'the data are from there');
is_valid('swap');
is(($m->ask('ns.plain.test', 'A'))->rcode, 'REFUSED', 'and no others');
is(($m->ctl('resume'))[0], 0, 'resume again');
is_valid('resume from a swap');

# Not without a key
unlink glob("$keys/*"), glob($m->state_dir . '/keys/*');
my $before = join ' ', sort glob $m->state_dir . '/generations/*';
($exit, $json) = $m->ctl('rollback', $first);
is($exit, 1, 'without a key there is no rollback');
like($json->{error}, qr/^zone \Q$ORIGIN\E[.] would be bogus to validators: the zone cannot be signed, it has no key/, 'the zone is named');
is(serial(), 3, 'what was served is');
($exit, $json) = $m->ctl('swap', $m->dir . '/built');
is($exit, 1, 'nor a swap');
like($json->{error}, qr/^zone \Q$ORIGIN\E[.] would be bogus/, 'for the same reason');
is(join(' ', sort glob $m->state_dir . '/generations/*'), $before, 'nothing is left of either');
is_valid('after refusals');
is_deeply(($m->ctl('status'))[1]{problems}, [], 'a refusal is no problem');

# While a choice holds the sources off, keys come to use, and signatures are renewed
sub key_at {
	my (@how) = @_;
	open my $pipe, '-|', find_program('dnssec-keygen'), '-q', '-K', $keys, '-a', 13, @how, $ORIGIN or die "keygen: $!\n";
	chomp(my $name = <$pipe>);
	close $pipe or die "dnssec-keygen\n";
	my ($line) = grep { !/^;/ } split /\n/, read_file("$keys/$name.key");
	return Net::DNS::RR->new($line);
}

$anchor = write_anchor($m, key_at('-f', 'KSK'));
key_at('-I', '+8');
my $next = key_at('-A', '+8')->keytag;
is(($m->ctl('reload'))[0], 0, 'new keys, one of which becomes active soon');
is(($m->ctl('rollback', $first))[0], 0, 'rollback with them');
is(serial(), 1, 'to the first state');
ok(poll(30, sub { grep({ $_->type eq 'RRSIG' && $_->keytag == $next } $m->ask($ORIGIN, 'SOA', do => 1)->packet->answer) }),
	'the next key signs at its time');
is(serial(), 1, 'nothing else changes');
is_valid('renewed');
$m->stop;

done_testing;
