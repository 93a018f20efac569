# A server that only benchmarks know: `echo`, which does nothing but receive and send, and
# gdnsd.
#
#	my $server = BenchServer->new('echo');
#	my $gdnsd = BenchServer->new('gdnsd', zones => { origin => path }, last => origin);
package BenchServer;

use strict;
use warnings;

use parent qw(Martlet::Ask Martlet::Process);

use Martlet;
use Martlet::Process qw(find_program free_port poll write_file);
use Martlet::Wire qw(encode_query);

sub new {
	my ($class, $command, %set) = @_;
	my $self = bless {%set}, $class;

	$self->_prepare;
	$self->{port} = free_port();
	$self->_spawn($self->$command);
	my $probe = encode_query($self->{last} // 'a', 'SOA');
	poll(20, sub { !$self->running || defined $self->exchange($probe, seconds => 0.2) })
	  && $self->running or die "does not start:\n" . $self->log;
	return $self;
}

sub echo { return "$Martlet::BUILD/t/bench/echo", $_[0]{port} }

sub gdnsd {
	my ($self) = @_;
	my $dir = $self->{dir};

	mkdir "$dir/$_" for qw(run state zones);
	for my $origin (keys %{ $self->{zones} }) {
		symlink $self->{zones}{$origin}, "$dir/zones/$origin" or die "$dir/zones/$origin: $!\n";
	}
	write_file("$dir/config", <<"END");
options => {
	listen => { 127.0.0.1 => { udp_threads => 1, tcp_threads => 1 } }
	dns_port => $self->{port}
	run_dir => $dir/run
	state_dir => $dir/state
}
END
	return find_program('gdnsd'), '-c', $dir, 'start';
}

1;
