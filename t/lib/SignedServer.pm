package SignedServer;
# Servers that sign zones from Redis: such a zone, what they make of its keys, and what they
# say of themselves.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(brief_zone states in_use errors_of problems_of is_signed reconfigure);

# A zone to be signed in which nothing is cached for more than a second; %more labels.
sub brief_zone {
	my ($origin, %more) = @_;
	my %labels = (
		'@' => { ns => { records => [{ host => "ns.$origin." }] } },
		ns => { a => { records => [{ ip => '127.0.0.1' }] } },
		www => { a => { records => [{ ip => '192.0.2.2' }] } },
		'*.wild' => { txt => { records => [{ text => 'w' }] } }, %more);

	$_->{ttl} = 1 for map { values %$_ } values %labels;
	return {
		config => { soa => { ttl => 1, minttl => 1, serial => 1, ns => "ns.$origin." }, dnssec => \1 },
		labels => \%labels };
}

sub _keys { my ($m, $zone) = @_; return @{ $m->ctl('keys', $zone)->{keys} } }

# tag => "zsk active"
sub states { return { map { ($_->{tag} => "$_->{role} $_->{state}") } _keys(@_) } }

# "12345 ksk active, ...", without what is of no use
sub in_use {
	my $state = states(@_);
	return join ', ', map { "$_ $state->{$_}" } grep { $state->{$_} !~ /future|removed/ } sort keys %$state;
}

sub errors_of {
	my ($m) = @_;
	return join "\n", map { ($_->{zone} // "") . " $_->{reason}" } @{ $m->ctl('errors')->{errors} };
}

sub problems_of {
	my ($m) = @_;
	return join "\n", @{ $m->ctl('status')->{problems} };
}

sub is_signed {
	my ($m, $name) = @_;
	return grep { $_->type eq 'RRSIG' } $m->ask($name, 'A', do => 1, tcp => 1)->packet->answer;
}

# Other settings of the group `dnssec`.
sub reconfigure {
	my ($m, %dnssec) = @_;
	my $of = $m->{arg}{config}{dnssec};
	@$of{ keys %dnssec } = values %dnssec;
	$m->write_config;
	return $m->ctl('reload');
}

1;
