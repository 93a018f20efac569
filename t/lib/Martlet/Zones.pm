# Small zones for tests about what is served when.
package Martlet::Zones;

use strict;
use warnings;

use Exporter qw(import);
use Martlet::Process qw(poll read_file);
use Martlet::Wire qw(encode_query);
use Socket qw(inet_ntoa);
use Test::More ();

our @EXPORT_OK = qw(zone address_of addresses_of only_address serial_of generation sync_pid);

# A zone with this serial, whose www has the address 192.0.2.SERIAL; and more lines.
sub zone {
	my ($serial, $more) = @_;
	my $last = $serial % 256;
	return "\$TTL 300\n\@ SOA ns.invalid. host.invalid. $serial 7200 3600 86400 300\n"
	  . "\@ NS ns.invalid.\nwww A 192.0.2.$last\n" . ($more // '');
}

# The address in an answer for www.ZONE, or the RCODE when there is none.
sub address_of {
	my ($m, $zone, %opt) = @_;
	my $r = $m->ask("www.$zone", 'A', %opt) // return 'no answer';
	my ($record) = $r->brief('answer');
	return defined $record ? (split ' ', $record)[-1] : $r->rcode;
}

# The address in a response of one A record and no EDNS: nothing stands behind it.  undef
# for any other.
sub only_address {
	my ($response) = @_;
	return if !defined $response || join(' ', unpack 'x3 C x2 n3', $response) ne '0 1 0 0';
	return inet_ntoa(substr $response, -4);
}

# That of each of many names, '' where there is none or more.
sub addresses_of {
	my ($m, @names) = @_;
	return map { only_address($_) // '' } $m->exchange_all(map { encode_query($_, 'A') } @names);
}

sub serial_of {
	my ($m, $zone, %opt) = @_;
	my $r = $m->ask($zone, 'SOA', %opt) // return 'no answer';
	my ($record) = $r->brief('answer');
	return defined $record ? (split ' ', $record)[4] : $r->rcode;
}

# The generation that status names.
sub generation {
	my ($m) = @_;
	return $m->ctl('status')->{generation};
}

# The pid of sync: the master's child of that name.
sub sync_pid {
	my ($m) = @_;
	my $master = $m->pid;

	return poll(5, sub {
		for my $pid (split ' ', read_file("/proc/$master/task/$master/children")) {
			return $pid if read_file("/proc/$pid/comm") eq "sync\n";
		}
		return;
	});
}

1;
