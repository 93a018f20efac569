# A redis-sentinel of a test's own, alone and quick to decide.
#
#	my $sentinel = Martlet::Sentinel->new(master => $redis);	# a Martlet::Redis
#	$redis->kill_now;
#	$sentinel->wait_master($replica) or die;
package Martlet::Sentinel;

use strict;
use warnings;

use parent -norequire, qw(Martlet::Redis);

use Martlet::Process qw(find_program poll);
use Martlet::Redis;

# %arg: master; name ("mymaster"), down_ms (500): how long a silence means death;
# requirepass: what its own clients need.  With `replicas` (a number, 1) it waits until it
# knows that many.
sub new {
	my ($class, %arg) = @_;
	my $self = Martlet::Redis::new($class, name => 'mymaster', down_ms => 500, replicas => 1, %arg);

	poll(20, sub { $self->replica_count >= $self->{replicas} })
	  or die "sentinel finds no replica:\n" . $self->log;
	return $self;
}

sub _directives {
	my ($self) = @_;
	my ($master, $name) = @$self{qw(master name)};
	my @options = ("monitor $name $master->{address} $master->{port} 1",
		"down-after-milliseconds $name $self->{down_ms}", "failover-timeout $name 3000");

	push @options, "auth-pass $name " . Martlet::Redis::quote($master->{requirepass})
	  if defined $master->{requirepass};
	return { bind => $self->{address}, port => $self->{port}, dir => $self->{dir},
		(defined $self->{requirepass} ? (requirepass => Martlet::Redis::quote($self->{requirepass})) : ()),
		sentinel => \@options };
}

# The same program as redis-sentinel, which is a package of its own.
sub _command {
	my ($self) = @_;
	return find_program('redis-server'), "$self->{dir}/redis.conf", '--sentinel';
}

sub replica_count {
	my ($self) = @_;
	my ($replicas) = $self->cmd('SENTINEL', 'replicas', $self->{name});
	# known is not yet connected
	return scalar grep { my %about = @$_; $about{flags} eq 'slave' && $about{'master-link-status'} eq 'ok' }
	  @$replicas;
}

# Where clients are sent, as host:port.
sub master_where {
	my ($self) = @_;
	return join ':', @{ $self->cmd('SENTINEL', 'get-master-addr-by-name', $self->{name}) };
}

# Make it change over now, the primary being well.
sub failover {
	my ($self) = @_;
	return $self->cmd('SENTINEL', 'failover', $self->{name});
}

# Wait until clients are sent to this one, and it has become a primary.
sub wait_master {
	my ($self, $redis, $seconds) = @_;

	return poll($seconds // 20, sub {
		return $self->master_where eq $redis->where
		  && (eval { $redis->info('replication')->{role} } // '') eq 'master';
	});
}

1;
