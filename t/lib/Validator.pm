package Validator;
# A validating Unbound in front of a server, which is asked all the time while keys roll.

use strict;
use warnings;

use parent qw(Martlet::Ask Martlet::Process);

use Exporter qw(import);
use File::Copy qw(copy);
use Martlet::Process qw(find_program free_port poll read_file write_file);
use Martlet::Wire qw(encode_query);
use POSIX ();
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(ds_of wanted_ds);

# The DS record of a key, as text.
sub ds_of {
	my ($key) = @_;
	my $ds = Net::DNS::RR::DS->create($key, digtype => 'SHA256');
	return join ' ', $key->owner . '.', 'DS', $ds->keytag, $ds->algorithm, $ds->digtype, $ds->digest;
}

# The DS records that CDS records ask for, as data in text; undef where there are none.
sub wanted_ds {
	my (@cds) = @_;
	return @cds ? [sort map { join ' ', $_->keytag, $_->algorithm, $_->digtype, uc $_->digest } grep { $_->algorithm } @cds] : undef;
}

# cache_s: so long it keeps an answer at most
sub new {
	my ($class, %arg) = @_;
	my $self = bless { cache_s => 86400, %arg }, $class;
	$self->_prepare;
	$self->{port} = free_port();
	return $self;
}

# Have it ask @$servers, now one and now another, for the zones; @$anchors are records as text.
# val-max-restart: or it would ask again what is bogus, and say nothing of the first answer.
sub run {
	my ($self, $servers, $anchors, @zones) = @_;
	my $addresses = join '', map { "  stub-addr: 127.0.0.1\@" . $_->port . "\n" } @$servers;
	my $stubs = join '', map { "stub-zone:\n  name: $_\n$addresses" } @zones;
	my $trusted = join '', map { "  trust-anchor: \"$_\"\n" } @$anchors;
	my $config = write_file($self->dir . '/unbound.conf', <<"END");
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
$trusted  harden-algo-downgrade: yes
  local-zone: "test." nodefault
  val-bogus-ttl: 1
  val-max-restart: 0
  cache-max-ttl: @{[$self->{cache_s}]}
  cache-max-negative-ttl: 1
  aggressive-nsec: yes
  serve-expired: no
remote-control:
  control-enable: no
$stubs
END
	# AppArmor confines unbound by its path to directories that are not ours
	my $copy = $self->dir . '/unbound';
	copy(find_program('unbound'), $copy) or die "$copy: $!\n";
	chmod 0755, $copy or die "$copy: $!\n";
	$self->_spawn($copy, '-d', '-c', $config);
	return;
}

sub _response {
	my ($self, $name, $type, $seconds) = @_;
	return $self->exchange(encode_query($name, $type, rd => 1, do => 1, edns => 4096), seconds => $seconds);
}

# What it says of a name: secure, insecure, SERVFAIL, or none when it says nothing in time.
sub _verdict {
	my ($self, $name, $type, $seconds) = @_;
	my $response = $self->_response($name, $type, $seconds) // return 'none';
	my $bits = unpack 'x3 C', $response;

	return ($bits & 15) == 2 ? 'SERVFAIL' : $bits & 0x20 ? 'secure' : 'insecure';
}

# Does it find that name secure, soon?
sub is_secure {
	my ($self, $name) = @_;
	return poll(20, sub { $self->_verdict($name, 'A', 0.5) eq 'secure' });
}

# What it makes of a question: RCODE, whether that is proved, whether there are such records.
sub verdict {
	my ($self, $name, $type) = @_;
	my $response = $self->_response($name, $type, 5) // return 'nothing';
	my $packet = Net::DNS::Packet->new(\$response);
	my $has_data = grep { $type eq 'ANY' || $_->type eq $type } $packet->answer;
	return join ' ', $packet->header->rcode, $packet->header->ad ? 'secure' : 'insecure', $has_data ? 'data' : 'none';
}

# Ask for what is there and what is not, by name and by wildcard (www, *.wild), until told to end.
sub _ask {
	my ($self, @zones) = @_;
	my ($count, %seen) = (0);

	while (-d $self->dir && !-e $self->dir . '/end') {
		for my $zone (sort @zones) {
			for my $case (["www.$zone", 'A'], ["no$count.$zone", 'A'], ["www.$zone", 'TXT'], ["a$count.wild.$zone", 'TXT'],
				[$zone, 'DNSKEY']) {
				my $verdict = $self->_verdict(@$case, 5);
				$seen{"$zone $verdict"}++;
				$count++;
			}
		}
		sleep 0.04;
	}
	write_file($self->dir . '/asked', join '', map { "$_\t$seen{$_}\n" } sort keys %seen);
	return;
}

sub ask_throughout {
	my ($self, @zones) = @_;
	$self->{asker} = fork // die "fork: $!\n";
	return if $self->{asker} != 0;
	$self->_ask(@zones);
	POSIX::_exit(0);
}

# No more.  returns how often which zone was what: "zone secure", SERVFAIL, insecure, none.
sub told {
	my ($self) = @_;
	write_file($self->dir . '/end', '');
	waitpid $self->{asker}, 0;
	return map { split /\t/ } split /\n/, read_file($self->dir . '/asked');
}

1;
