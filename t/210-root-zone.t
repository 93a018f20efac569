#!/usr/bin/perl
# The root zone, when it is at hand: each delegation asked for over TCP in several ways,
# with the same answers as NSD and Knot, section by section.
#
# MARTLET_ROOT_ZONE names the file; it is looked for in ../shared/data too.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Compare;
use Martlet::Peer;
use Martlet::Process qw(read_file);
use Test::More;

my $path = $ENV{MARTLET_ROOT_ZONE} // "$Martlet::ROOT/../shared/data/root.zone";
plan(skip_all => "no root zone: $path") unless -r $path;
Martlet::Peer::need(qw(nsd knot));

my $text = read_file($path);
my %delegations;
while ($text =~ /^(\S+)\s+\d+\s+IN\s+NS\s/gm) {
	$delegations{ lc $1 } = 1 if $1 ne '.';
}
my @names = sort keys %delegations;
cmp_ok(scalar @names, '>', 1000, scalar(@names) . ' delegations');

my %zones = ('.' => $text);
my %peers = map { $_ => Martlet::Peer->new($_, zones => \%zones) } qw(nsd knot);
my $ours = Martlet->new(zones => \%zones);
my $compare = Martlet::Compare->new(ours => $ours, peers => \%peers, origins => ['.']);

# Asks for each name; the first few differences are shown.
sub same {
	my ($what, $query, %opt) = @_;
	my @wrong;

	for my $name (@names) {
		my ($asked, $type) = $query->($name);
		my @lines = eval { $compare->check($asked, $type, tcp => 1, %opt) };
		push @lines, $@ if $@;
		push @wrong, "$asked $type", @lines if @lines;
	}
	is(scalar @wrong, 0, "$what: same answers")
	  or diag(join "\n", @wrong > 20 ? @wrong[0 .. 19] : @wrong);
	return;
}

same('NS of each', sub { $_[0], 'NS' });
same('NS of each, with DO', sub { $_[0], 'NS' }, do => 1);
same('DS of each', sub { $_[0], 'DS' });
same('a name below each', sub { "www.example.$_[0]", 'A' });
same('a name below each in mixed case, with EDNS', sub { "Host.\U$_[0]", 'AAAA' }, edns => 4096);
same('a name beside each', sub { "x$_[0]", 'A' });
is($compare->{asked}, 6 * @names, 'all were asked');
is_deeply([sort keys %{ $compare->{used} }], [], 'without any accepted difference');

# what stands at the top
for my $query (['.', 'SOA'], ['.', 'NS'], ['.', 'A'], ['.', 'DS'], ['nowhere', 'A']) {
	my @lines = $compare->check(@$query, tcp => 1);
	is_deeply(\@lines, [], "@$query: same answer");
}

my $counters = $ours->counted(sub { $ours->ask('www.example.com', 'A') });
is($counters->{referrals}, 1, 'a referral is counted');
is($counters->{udp_queries}, 1, 'and its query');
$ours->stop;
done_testing();
