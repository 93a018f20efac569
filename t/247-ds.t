#!/usr/bin/perl
# A DS is looked for at every server of the parent, which the resolver leads to; and one that
# somebody tells of.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Socket::INET;
use Martlet;
use Martlet::Process qw(poll write_file);
use Test::More;

my @SERVERS = qw(127.0.0.53 127.0.0.54);
for my $address (@SERVERS) {
	next if IO::Socket::INET->new(LocalAddr => $address, LocalPort => 53, Proto => 'udp')
	  && IO::Socket::INET->new(LocalAddr => $address, LocalPort => 53, Proto => 'tcp', Listen => 1);
	plan(skip_all => "port 53 of $address cannot be had: $!");
}

my ($PARENT, $ZONE) = qw(par.test child.par.test);

sub zone_text {
	my ($zone, @more) = @_;
	return join "\n", "\$TTL 1", "$zone. SOA ns1.$zone. h.$zone. 1 3600 600 86400 1", "$zone. NS ns1.$zone.", @more, '';
}

# Two servers of the parent, which both answer as a resolver would for what is asked of one.
sub parent_text {
	my (@ds) = @_;
	return zone_text($PARENT, "$PARENT. NS ns2.$PARENT.", "ns1.$PARENT. A $SERVERS[0]", "ns2.$PARENT. A $SERVERS[1]",
		"$ZONE. NS ns1.$ZONE.", "ns1.$ZONE. A 127.0.0.1", map { "$ZONE. DS $_" } @ds);
}

my @parents = map { my $parent = Martlet->new(start => 0); @$parent{qw(address port)} = ($_, 53); $parent } @SERVERS;
sub set_ds {
	my ($parent, @ds) = @_;
	$parent->write_zone($PARENT, parent_text(@ds));
	$parent->ctl('reload') if $parent->{pid};
	return;
}

my $m = Martlet->new(start => 0);
$m->{arg}{config} = {
	zones => { files => [{ origin => "$ZONE.", file => $m->dir . '/zone', sign => \1 }] },
};
write_file($m->dir . '/zone', zone_text($ZONE, "ns1.$ZONE. A 127.0.0.1"));
$m->expect_log(qr/it has no key/);
$m->start;
my (undef, $json) = $m->ctl('keys', 'generate', $ZONE);
my $old = $json->{keys}[0];
$m->ctl('reload');
set_ds($_, $old->{ds}) for @parents;
$_->start for @parents;

sub key_states {
	return map { ($_->{tag} => $_) } @{ $m->ctl('keys', $ZONE)->{keys} };
}

sub wait_for {
	my ($tag, $state, $what) = @_;
	return ok(poll(40, sub { my %key = key_states(); $state eq 'gone' ? !$key{$tag} : $key{$tag} && $key{$tag}{state} eq $state }), $what)
	  || diag(explain({ key_states() }), $m->log);
}

my ($exit) = $m->ctl('keys', 'roll', $ZONE);
is($exit, 0, 'a roll begins') or diag($m->{ctl_stderr});
my %now = key_states();
my ($new) = grep { $_->{tag} != $old->{tag} } values %now;
wait_for($new->{tag}, 'ready', 'it is ready');
like(join("\n", @{ $m->ctl('keys', $ZONE)->{notices} }), qr/waits until the parent has no other DS than \Q$new->{ds}\E/, 'and tells what it waits for');
$m->{arg}{config}{resolver} = { servers => [{ address => $SERVERS[0], port => 53 }] };
$m->write_config;
($exit) = $m->ctl('reload');
is($exit, 0, 'a resolver is configured: no restart is needed') or diag($m->{ctl_stderr});
set_ds($parents[0], $new->{ds});
my $asked = $parents[1]->counters->{udp_queries};
ok(poll(30, sub { $parents[1]->counters->{udp_queries} > $asked + 2 }), 'the other server is asked, too');
%now = key_states();
is($now{ $new->{tag} }{state}, 'ready', 'one server alone is not enough');
set_ds($parents[1], $old->{ds}, $new->{ds});
$asked = $parents[1]->counters->{udp_queries};
ok(poll(30, sub { $parents[1]->counters->{udp_queries} > $asked + 2 }), 'and asked again');
%now = key_states();
is($now{ $new->{tag} }{state}, 'ready', 'nor is the new one beside the old one');
set_ds($parents[1], $new->{ds});
wait_for($new->{tag}, 'active', 'all have it');
wait_for($old->{tag}, 'gone', 'the old key goes when its DS is forgotten');

# somebody knows better
($exit) = $m->ctl('keys', 'roll', $ZONE, 'ksk');
is($exit, 0, 'another roll');
%now = key_states();
my ($third) = grep { $_->{tag} != $new->{tag} } values %now;
($exit) = $m->ctl('keys', 'ds-seen', $ZONE, $third->{tag}, 1);
is($exit, 1, 'ds-seen too early is refused');
wait_for($third->{tag}, 'ready', 'it is ready');
($exit) = $m->ctl('keys', 'ds-seen', $ZONE, $third->{tag}, 1);
is($exit, 0, 'ds-seen');
wait_for($third->{tag}, 'active', 'is believed');
wait_for($new->{tag}, 'gone', 'the key before goes');

# unsigned when no server has a DS
($exit) = $m->ctl('keys', 'unsign', $ZONE);
is($exit, 0, 'unsign');
set_ds($_) for @parents;
ok(poll(40, sub { !grep { $_->type eq 'DNSKEY' } $m->ask($ZONE, 'DNSKEY', tcp => 1)->packet->answer }), 'unsigned when all have no DS');
$_->stop for @parents;
$m->stop;

done_testing();
