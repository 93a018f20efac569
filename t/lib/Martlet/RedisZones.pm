# Zones as Perl data, written into Redis in the schemas of redins and z42, and as the
# records that they mean, for NSD or for Martlet::Model.
#
#	my $zones = { 'example.com' => {
#		config => { soa => { serial => 7 } },		# undef: no such key
#		labels => {
#			'@' => { ns => { ttl => 300, records => [{ host => 'ns.example.net.' }] } },
#			www => { a  => { ttl => 300, records => [{ ip => '192.0.2.1' }] },
#				 HTTPS => { ttl => 300, rdata => ['1 . alpn=h2'] } } } } };
#	my $schema = Martlet::RedisZones->new(schema => 'z42', prefix => 'x_');
#	$schema->load($redis, $zones);
#	$redis->multi(sub {
#		$_[0]->cmd(@$_) for $schema->set_label('example.com', 'www', $rrsets);
#		$_[0]->xadd_change('example.com' => ['www']);
#	});
package Martlet::RedisZones;

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Martlet::Resp;

our @EXPORT_OK = qw(zone_records zone_text bulk_name bulk_address bulk_zone);

my $json = JSON::PP->new->utf8->canonical;

# %arg: schema ("redins" or "z42"), prefix, suffix.
sub new {
	my ($class, %arg) = @_;
	return bless { schema => 'redins', prefix => '', suffix => '', %arg }, $class;
}

sub _absolute { return $_[0] =~ s/\.?$/./r }

# The key of a zone's part: '' for its hash, ":config", ":labels:www:a" ...; without a
# zone the list of zones.
sub key {
	my ($self, $zone, $part) = @_;
	my $key = "$self->{schema}:zones";

	$key .= ':' . _absolute($zone) . ($part // '') if defined $zone;
	return "$self->{prefix}$key$self->{suffix}";
}

# Settings of martlet that go with it, to be given to Martlet::Redis::settings.
sub settings {
	my ($self) = @_;
	return map { $_ => $self->{$_} } qw(schema prefix suffix);
}

# Commands that make a label hold exactly these RRsets, all of `old` that are not among
# them gone (z42 has a key each; redins replaces the label's field).
sub set_label {
	my ($self, $zone, $label, $rrsets, $old) = @_;

	return ['HSET', $self->key($zone), $label, $json->encode($rrsets)]
	  if $self->{schema} eq 'redins';
	my @gone = grep { !exists $rrsets->{$_} } sort keys %{ $old // {} };
	return ['SADD', $self->key($zone, ':labels'), $label],
	  (map { ['SET', $self->key($zone, ":labels:$label:" . lc), $json->encode($rrsets->{$_})] }
		  sort keys %$rrsets),
	  (@gone ? ['DEL', map { $self->key($zone, ":labels:$label:" . lc) } @gone] : ());
}

# Commands that remove a label; `old` is what it holds.
sub remove_label {
	my ($self, $zone, $label, $old) = @_;

	return ['HDEL', $self->key($zone), $label] if $self->{schema} eq 'redins';
	return ['SREM', $self->key($zone, ':labels'), $label],
	  (%$old ? ['DEL', map { $self->key($zone, ":labels:$label:" . lc) } sort keys %$old] : ());
}

sub set_config {
	my ($self, $zone, $config) = @_;
	my $key = $self->key($zone, ':config');

	return defined $config ? ['SET', $key, $json->encode($config)] : ['DEL', $key];
}

# A command that sets key strings, as RedisKeys::key_strings has them; others stay.
sub set_keys {
	my ($self, $zone, %strings) = @_;
	return ['MSET', map { $self->key($zone, ":$_") => $strings{$_} } sort keys %strings];
}

# Commands that add a zone with all it holds.  It is listed last, as a writer without
# MULTI should.
sub set_zone {
	my ($self, $zone, $data) = @_;
	my $labels = $data->{labels};

	return (defined $data->{config} ? $self->set_config($zone, $data->{config}) : ()),
	  (map { $self->set_label($zone, $_, $labels->{$_}) } sort keys %$labels),
	  ['SADD', $self->key, _absolute($zone)];
}

# Commands that remove one; `data` is what it holds.
sub remove_zone {
	my ($self, $zone, $data) = @_;
	my $labels = $data->{labels};

	return ['SREM', $self->key, _absolute($zone)],
	  ($self->{schema} eq 'redins' ? ['DEL', $self->key($zone)]
		: (map { $self->remove_label($zone, $_, $labels->{$_}) } sort keys %$labels)),
	  ['DEL', $self->key($zone, ':config')];
}

# Write all zones, pipelined.  Dies when Redis refuses one.
sub load {
	my ($self, $redis, $zones) = @_;
	my @commands = map { $self->set_zone($_, $zones->{$_}) } sort keys %$zones;
	my ($error) = grep { ref eq 'Martlet::Resp::Error' } $redis->pipeline(@commands);

	die "Redis: $error->{text}\n" if $error;
	return;
}

# Bulk zones differ by their number only, 0 .. 999,999; names and addresses are of one
# length, so that the commands for one are the sample's with both replaced.
sub bulk_name { return sprintf 'z%06d.bulk.test', $_[0] }

sub bulk_address {
	my ($number) = @_;
	return join '.', 10, map { 100 + $_ } int($number / 10000), int($number / 100) % 100, $number % 100;
}

# The zone of that number: `records` records, SOA included, 3 at least; the names w1, w2
# and so on have addresses.
sub bulk_zone {
	my ($number, $records) = @_;
	my %labels = ('@' => { ns => { ttl => 300, records => [{ host => 'ns.bulk.invalid.' }] } });

	$labels{"w$_"} = { a => { ttl => 300, records => [{ ip => bulk_address($number) }] } }
	  for 1 .. $records - 2;
	return { config => { soa => { serial => 1 } }, labels => \%labels };
}

# Write the zones first .. first + count - 1, 100,000 of 10 records in a few seconds.
sub load_bulk {
	my ($self, $redis, $first, $count, $records) = @_;
	my $client = $redis->new_client(seconds => 60);
	my ($name, $address) = (bulk_name(0), bulk_address(0));
	my $sample = join '', map { Martlet::Resp::encode(@$_) }
	  $self->set_zone($name, bulk_zone(0, $records));
	my @numbers = $first .. $first + $count - 1;
	my $before = $client->cmd('SCARD', $self->key);

	$client->send_cmd(qw(CLIENT REPLY OFF));
	while (my @some = splice @numbers, 0, 1000) {
		my $octets = '';
		for my $number (@some) {
			my %by = ($name => bulk_name($number), $address => bulk_address($number));
			$octets .= $sample =~ s/(\Q$name\E|\Q$address\E)/$by{$1}/gr;
		}
		$client->send_raw($octets);
	}
	$client->cmd(qw(CLIENT REPLY ON));
	die "bulk zones are missing\n" if $client->cmd('SCARD', $self->key) != $before + $count;
	return;
}

# Octets of a text in which a backslash escapes, as TXT and CAA values have them.
sub _unescape {
	my ($text) = @_;
	return $text =~ s/\\(?:([0-9]{3})|(.?))/defined $1 ? chr $1 : $2/gesr;
}

sub _quote {
	my ($octets) = @_;
	$octets =~ s/([^ -~])|(["\\])/defined $1 ? sprintf '\\%03d', ord $1 : "\\$2"/gesx;
	return "\"$octets\"";
}

my %PRESENTATION = (
	a     => sub { $_->{ip} },
	aaaa  => sub { $_->{ip} },
	ns    => sub { $_->{host} },
	mx    => sub { $_->{host} && ($_->{preference} // 0) . " $_->{host}" },
	srv   => sub { $_->{target} && join ' ', (map { $_ // 0 } @$_{qw(priority weight port)}), $_->{target} },
	txt   => sub { $_->{text} && join ' ', map { _quote($_) } _unescape($_->{text}) =~ /(.{1,255})/gs },
	caa   => sub { join ' ', $_->{flag} // 0, $_->{tag}, _quote(_unescape($_->{value})) },
	tlsa  => sub { join ' ', @$_{qw(usage selector matching_type certificate)} },
	ds    => sub { join ' ', @$_{qw(key_tag algorithm digest_type digest)} },
	cname => sub { $_->{host} },
	ptr   => sub { $_->{domain} },
);
my %SINGLE = (cname => 1, ptr => 1);
# where the name stands in it: the final dot may be missing
my %NAME_LAST = map { $_ => 1 } qw(ns mx srv cname ptr);

# The records of one RRset, as texts of their data.
sub _rdata {
	my ($type, $rrset) = @_;
	my $presentation = $PRESENTATION{$type};
	my @items = $SINGLE{$type} ? ($rrset) : @{ $rrset->{records} // [] };
	my @texts = $presentation ? (grep { defined && length } map { $presentation->() } @items) : ();

	@texts = map { _absolute($_) } @texts if $NAME_LAST{$type};
	return @texts, @{ $rrset->{rdata} // [] };
}

sub _ttl {
	my ($rrset, %opt) = @_;
	my $max = $opt{max_ttl} // 3600;
	my $ttl = $rrset->{ttl} // $max;

	$ttl = $max if $ttl == 0 && ($opt{schema} // 'redins') eq 'redins';
	return $max && $ttl > $max ? $max : $ttl;
}

sub _soa {
	my ($zone, $config, %opt) = @_;
	my %soa = (
		ns => "ns1.$zone", mbox => "hostmaster.$zone", refresh => 86400, retry => 7200,
		expire => 3600, minttl => 300, ttl => ($opt{schema} // 'redins') eq 'z42' ? 3600 : 300,
		serial => 0, %{ $config->{soa} // {} });

	$soa{mbox} =~ s/\@/./;
	return [$zone, $soa{ttl}, 'SOA', join ' ', (map { _absolute($_) } @soa{qw(ns mbox)}),
		@soa{qw(serial refresh retry expire minttl)}];
}

# The records that a zone means: [owner, TTL, type, text of the data] each, the SOA first.
# %opt: schema, max_ttl (3600).  A missing serial is 0.
sub zone_records {
	my ($origin, $data, %opt) = @_;
	my $zone = _absolute(lc $origin);
	my @records = _soa($zone, $data->{config} // {}, %opt);

	for my $label (sort keys %{ $data->{labels} }) {
		my %rrsets = map { lc() => $data->{labels}{$label}{$_} } keys %{ $data->{labels}{$label} };
		my $owner = $label eq '@' ? $zone : lc "$label.$zone";
		# it wins against all else
		%rrsets = (cname => $rrsets{cname}) if $rrsets{cname};
		for my $type (sort keys %rrsets) {
			my $ttl = _ttl($rrsets{$type}, %opt);
			push @records, map { [$owner, $ttl, uc $type, $_] } _rdata($type, $rrsets{$type});
		}
	}
	return @records;
}

# The same as a zone file.
sub zone_text {
	my ($origin, $data, %opt) = @_;
	return join '', map {"$_->[0] $_->[1] IN $_->[2] $_->[3]\n"} zone_records($origin, $data, %opt);
}

1;
