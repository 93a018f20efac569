#!/usr/bin/perl
# Steered RRsets of zones that we sign: whatever is chosen goes out with a signature over just
# that, ahead of any question, on demand, or with other records until there is one; nothing
# chosen is proved; and a health check that changes its mind is followed.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program poll read_file write_file);
use Martlet::Targets;
use Martlet::Wire qw(encode_query);
use SignedZone qw($ORIGIN write_anchor delv bad_signatures);
use Test::More;

Martlet::Peer::need(qw(delv dnssec-keygen ldns-verify-zone));
Martlet::Peer::need_sec();

my $json = JSON::PP->new->canonical;
my $true = JSON::PP::true;

my $zone = <<"Z";
\$ORIGIN $ORIGIN.
\@ 300 SOA ns h 1 3600 600 86400 60
\@ 300 NS ns
ns 300 A 192.0.2.53
www 300 TXT "beside"
alias 300 CNAME www
mail 300 MX 10 www
Z

sub ips { return [map { { ip => "192.0.2.$_" } } @_] }

our %labels = (
	www => { a => { ttl => 60, filter => { count => 'single', order => 'rr' }, records => ips(1 .. 3) },
		aaaa => { ttl => 60, filter => { order => 'rr' }, records => [map { { ip => "2001:db8::$_" } } 1 .. 3] } },
	two => { a => { filter => { order => 'rr', first => 2 }, records => ips(1 .. 4) } },
	net => { a => { records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }, { ip => '192.0.2.2', subnet => '203.0.112.0/24' }, { ip => '192.0.2.3' }] } },
	many => { a => { filter => { count => 'single', order => 'rr' }, records => ips(1 .. 20) } },
	none => { a => { records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }] }, txt => { records => [{ text => 'there' }] } },
	half => { a => { records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }] }, aaaa => { filter => { count => 'single', order => 'rr' }, records => [{ ip => '2001:db8::1' }, { ip => '2001:db8::2' }] } },
	both => { a => { records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }] },
		aaaa => { records => [{ ip => '2001:db8::1', subnet => '203.0.113.0/24' }] } },
	'*.wild' => { a => { filter => { count => 'single', order => 'rr' }, records => ips(1 .. 2) },
		aaaa => { records => [{ ip => '2001:db8::1', subnet => '203.0.113.0/24' }] } },
);

sub keygen {
	my ($dir, @how) = @_;
	open my $pipe, '-|', find_program('dnssec-keygen'), '-q', '-K', $dir, @how, $ORIGIN or die "dnssec-keygen: $!\n";
	chomp(my $name = <$pipe>);
	close $pipe or die "dnssec-keygen failed\n";
	my ($line) = grep { !/^;/ } split /\n/, read_file("$dir/$name.key");
	return Net::DNS::RR->new($line);
}

sub sidecar { return $_[0]->zone_path($ORIGIN) =~ s/zone$/json/r }

sub server {
	my ($algorithm, $denial, %more) = @_;
	my $m = Martlet->new(start => 0);
	mkdir $m->dir . '/keys' or die "keys: $!\n";
	my $key = keygen($m->dir . '/keys', '-a', $algorithm, '-f', 'KSK', $algorithm == 8 ? (-b => 2048) : ());
	$m->write_zone($ORIGIN, $zone);
	write_file(sidecar($m), $json->encode({ '@config' => { dnssec => $true, denial => $denial }, %labels }));
	$m->{arg}{config} = { dnssec => { key_dir => $m->dir . '/keys' }, steer => { no_match => 'none' }, workers => { count => 1 }, %more };
	$m->start;
	return ($m, $key, { $ORIGIN => $key });
}

sub subnet { return pack 'n n n C C a4', 8, 8, 1, 32, 0, pack 'C4', split /\./, $_[0] }

sub ask {
	my ($m, $name, $type, $client) = @_;
	return Martlet::Answer->new(scalar $m->exchange(encode_query("$name.$ORIGIN", $type, edns => 1232, do => 1,
		options => defined $client ? subnet($client) : undef)));
}

sub texts { return join ' ', sort map { $_->address } grep { $_->type =~ /^A/ } $_[0]->packet->answer }

# The answer is signed, and of so many addresses.
sub signed_ok {
	my ($m, $keys, $name, $type, $count, $what, $client) = @_;
	my $answer = ask($m, $name, $type, $client);
	my @rrs = grep { $_->type eq $type } $answer->packet->answer;
	is_deeply([scalar @rrs, bad_signatures($answer, $keys)], [$count], "$what: $name $type") or diag($answer->dump);
	return texts($answer);
}

for my $kind (['13', 'nsec'], ['8', 'nsec3'], ['15', 'optout']) {
	my ($algorithm, $denial) = @$kind;
	my ($m, $key, $keys) = server($algorithm, $denial);
	my $anchor = write_anchor($m, $key);
	my $what = "$algorithm, $denial";
	my %seen;

	$seen{ signed_ok($m, $keys, 'www', 'A', 1, $what) }++ for 1 .. 12;
	cmp_ok(scalar keys %seen, '>', 1, "$what: one of several");
	signed_ok($m, $keys, 'www', 'AAAA', 3, $what);
	signed_ok($m, $keys, 'two', 'A', 2, $what) for 1 .. 6;
	is(signed_ok($m, $keys, 'net', 'A', 1, $what, '203.0.113.9'), '192.0.2.1', "$what: for one network");
	is(signed_ok($m, $keys, 'net', 'A', 1, $what, '203.0.112.9'), '192.0.2.2', "$what: for another");
	is(signed_ok($m, $keys, 'net', 'A', 1, $what), '192.0.2.3', "$what: for all others");
	signed_ok($m, $keys, "$_.wild", 'A', 1, $what) for 'a', 'b.c';
	is(signed_ok($m, $keys, 'none', 'A', 1, $what, '203.0.113.9'), '192.0.2.1', "$what: for whom there is one");
	for my $query (['none', 'A'], ['both', 'A'], ['both', 'AAAA'], ['a.wild', 'AAAA']) {
		my ($name, $type) = @$query;
		my $answer = ask($m, $name, $type);
		is_deeply([$answer->rcode, scalar $answer->packet->answer, bad_signatures($answer, $keys)], ['NOERROR', 0],
			"$what: $name $type: nothing is left") or diag($answer->dump);
		my ($verdict, $text) = delv($m, $anchor, "$name.$ORIGIN", $type);
		like($verdict, qr/^negative response, fully validated|nxrrset.*validated/, "$what: $name $type: proved") or diag($text);
	}
	for my $query (['half', 'ANY'], ['www', 'A'], ['www', 'AAAA'], ['two', 'A'], ['net', 'A'], ['x.wild', 'A'], ['alias', 'A'], ['mail', 'MX']) {
		my ($name, $type) = @$query;
		my ($verdict, $text) = delv($m, $anchor, "$name.$ORIGIN", $type);
		# what opt-out covers might be an unsigned delegation
		my $want = $denial eq 'optout' && $name =~ /wild/ ? 'unsigned answer' : 'fully validated';
		is($verdict, $want, "$what: delv $name $type") or diag($text);
	}
	# of twenty only some are signed ahead
	my ($bad, $ips, $counted) = (0, {});
	ok(poll(30, sub {
		$counted = $m->counted(sub {
			for (1 .. 20) {
				my $answer = ask($m, 'many', 'A');
				my @ips = split / /, texts($answer);
				$bad += bad_signatures($answer, $keys);
				$ips->{ $ips[0] }++ if @ips == 1;
			}
		});
		return keys %$ips == 20 && !$counted->{steered_stand_ins};
	}), "$what: in the end each is signed") or diag(explain($counted), join ' ', sort keys %$ips);
	is($bad, 0, "$what: no signature is wrong meanwhile");
	my $counters = $m->counters;
	is($counters->{signer_steered_sets}, 6, "$what: those that are not signed ahead, each once");
	is($counters->{"signer_steered_$_"}, 0, "$what: $_ none") for qw(late refused failed);
	my ($exit, $text) = $m->ctl_text('export', $ORIGIN);
	my $path = write_file($m->dir . '/exported', $text);
	is(system(find_program('ldns-verify-zone') . " $path >$path.out 2>&1"), 0, "$what: ldns-verify-zone finds nothing")
	  or diag(read_file("$path.out"));
	$m->stop;
}

# Health: a target that goes down is answered no more, and what is left is signed before
# anybody asks.
{
	my $names = 200;
	my $targets = Martlet::Targets->new;
	my $port = $targets->listen('a', address => '127.0.0.2');
	$targets->listen($_->[0], address => $_->[1], port => $port) for ['b', '127.0.0.3'], ['c', '127.0.0.4'];
	$targets->mode(b => 'refuse');
	my %check = (enable => $true, protocol => 'tcp', port => $port, timeout => 500, up_count => 1, down_count => -1, policy => 'closed');
	my @records = map { { ip => "127.0.0.$_" } } 2 .. 4;
	local %labels = map { ("h$_" => { a => { health_check => \%check, records => \@records } }) } 1 .. $names;
	my ($m, $key, $keys) = server(13, 'nsec', health => { enable => \1, interval_s => 1, deny => [], mass_guard => 1, target_rate => 10 });
	$m->expect_log(qr/^warning: prober: tcp 127[.]0[.]0[.]. port \d+ is down/);
	my $anchor = write_anchor($m, $key);
	my $answered = sub { join ' ', map { texts(ask($m, "h$_", 'A')) } @_ };

	# so that those that are left in the end were never left before
	ok(poll(30, sub { my $h = $m->counters; $h->{health_up} == 2 && $h->{health_down} == 1 }), 'two are up');
	$targets->mode(b => 'ok');
	ok(poll(30, sub { $m->counters->{health_up} == 3 }), 'all are up');
	ok(poll(30, sub { $answered->(1) eq '127.0.0.2 127.0.0.3 127.0.0.4' }), 'all are answered');
	my $before = $m->counters;
	$targets->mode(a => 'refuse');
	ok(poll(30, sub { $m->counters->{signer_steered_sets} - $before->{signer_steered_sets} >= $names }),
		'what is left is signed before anybody asks');
	my $counted = $m->counted(sub { signed_ok($m, $keys, "h$_", 'A', 2, 'one is down') for 1 .. 20 });
	is($counted->{$_} // 0, 0, "nobody had to ask: no $_") for qw(steered_requests steered_stand_ins);
	is($answered->(7), '127.0.0.3 127.0.0.4', 'those that are up');
	$targets->mode($_ => 'refuse') for qw(b c);
	ok(poll(30, sub { $m->counters->{health_down} == 3 }), 'all are down');
	ok(poll(30, sub { $answered->(9) eq '' }), 'nothing is left');
	my ($verdict, $text) = delv($m, $anchor, "h9.$ORIGIN", 'A');
	like($verdict, qr/negative response, fully validated/, 'that is proved') or diag($text);
	$m->stop;
}

done_testing();
