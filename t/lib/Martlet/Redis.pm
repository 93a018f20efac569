# Real Redis servers for tests: each in a private directory, ended by its pid.
#
#	my $redis   = Martlet::Redis->new(notify => 'KA');
#	my $replica = $redis->replica;
#	my $m = Martlet->new(config => { redis => $redis->settings });
#	$redis->cmd('SADD', 'redins:zones', 'example.com.');
#	$redis->hang; $redis->go_on; $redis->kill_now; $redis->start;
package Martlet::Redis;

use strict;
use warnings;

use parent qw(-norequire Martlet::Redis::Client Martlet::Process);

use Martlet::Process qw(find_program free_port poll write_file);
use Test::More ();

# Skip the whole test, with the reason, where Redis is not installed; a machine that says
# CI=true must have it.
sub need {
	return if find_program('redis-server');
	die "missing: redis-server (make deps-check)\n" if ($ENV{CI} // '') eq 'true';
	Test::More::plan(skip_all => 'not installed: redis-server');
	return;
}

# %arg, all may be left out:
#	unix         1: on a Unix socket, no TCP port
#	notify       notify-keyspace-events, as "KA"
#	requirepass  of the user "default"
#	users        { name => [rules] }, as { martlet => ['>secret', '~*', '+@read'] }
#	replicaof    a Martlet::Redis to follow
#	persistence  '' (nothing survives its end), 'rdb' (what SAVE or stop wrote), 'aof'
#	maxmemory, policy
#	config       { directive => value or list of values }
#	start        0: prepare only
sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg }, $class;

	$self->_prepare;
	$self->start unless exists $arg{start} && !$arg{start};
	return $self;
}

# A replica of this one, with its passwords, in step with it.
sub replica {
	my ($self, %arg) = @_;
	my $replica = Martlet::Redis->new(
		(map { $_ => $self->{$_} } grep { $self->{$_} } qw(requirepass users notify)),
		replicaof => $self, %arg);
	$replica->wait_replica or die "the replica does not follow:\n" . $replica->log;
	return $replica;
}

sub socket_path { return "$_[0]{dir}/redis.sock" }

# Where it listens, as redis.address has it.
sub where {
	my ($self) = @_;
	return $self->{unix} ? $self->socket_path : "$self->{address}:$self->{port}";
}

# The group `redis` of the configuration that leads here; %more goes over it.
sub settings {
	my ($self, %more) = @_;
	return {
		enable => \1, address => $self->where,
		(defined $self->{requirepass} ? (password => "$self->{requirepass}") : ()),
		%more };
}

# A value with spaces or quotes, as configuration files have it.
sub quote {
	my ($value) = @_;
	return '"' . ($value =~ s/(["\\])/\\$1/gr) . '"';
}

sub _directives {
	my ($self) = @_;
	my $persistence = $self->{persistence} // '';
	my %directive = (
		bind => $self->{address}, port => $self->{unix} ? 0 : $self->{port},
		dir => $self->{dir}, daemonize => 'no', databases => 16,
		save => $persistence eq 'rdb' ? '3600 1' : '""',
		appendonly => $persistence eq 'aof' ? 'yes' : 'no',
		appendfsync => 'always',
		'repl-diskless-sync-delay' => 0, 'repl-ping-replica-period' => 1,
		'enable-debug-command' => 'local',
		'notify-keyspace-events' => quote($self->{notify} // ''),
		%{ $self->{config} // {} });

	$directive{unixsocket} = $self->socket_path if $self->{unix};
	$directive{maxmemory} = $self->{maxmemory} if $self->{maxmemory};
	$directive{'maxmemory-policy'} = $self->{policy} if $self->{policy};
	@directive{qw(requirepass masterauth)} = (quote($self->{requirepass})) x 2
	  if defined $self->{requirepass};
	$directive{user} = [map {"$_ on @{ $self->{users}{$_} }"} sort keys %{ $self->{users} }]
	  if $self->{users};
	$directive{replicaof} = "$self->{replicaof}{address} $self->{replicaof}{port}"
	  if $self->{replicaof};
	return \%directive;
}

sub _write_config {
	my ($self) = @_;
	my $directive = $self->_directives;
	my $text = '';

	for my $name (sort keys %$directive) {
		my $value = $directive->{$name};
		$text .= "$name $_\n" for ref $value ? @$value : $value;
	}
	return write_file("$self->{dir}/redis.conf", $text);
}

sub _command {
	my ($self) = @_;
	return find_program('redis-server'), "$self->{dir}/redis.conf";
}

# Has loaded its data and takes commands; a refused login is an answer, too.
sub _ready {
	my ($self) = @_;
	my $pong = eval { Martlet::Resp->new($self->where)->cmd('PING') } // $@;
	return $pong =~ /^PONG|NOAUTH|WRONGPASS|NOPERM/;
}

# Start it, again too: on the same port, with what it has kept.
sub start {
	my ($self) = @_;

	for my $attempt (1 .. 3) {
		my $is_new = !$self->{port};
		$self->{port} //= free_port();
		# Sentinel and CONFIG REWRITE write into the file
		$self->_write_config if $is_new || !-e "$self->{dir}/redis.conf";
		$self->_spawn($self->_command);
		return $self if poll(20, sub { !$self->running || $self->_ready }) && $self->running;
		last unless $is_new && $self->log =~ /in use/;
		delete $self->{port};
	}
	$self->_end('KILL', 5);
	die "redis-server does not start:\n" . $self->log;
}

# SIGTERM: saves what `persistence` says.
sub stop {
	my ($self) = @_;

	delete $self->{client};
	$self->go_on;
	return $self->_end('TERM', 10);
}

sub kill_now {
	my ($self) = @_;

	delete $self->{client};
	$self->_end('KILL', 10);
	return;
}

# Hung: connections stand, nothing is answered.
sub hang  { my ($self) = @_; return $self->{pid} && kill 'STOP', $self->{pid} }
sub go_on { my ($self) = @_; return $self->{pid} && kill 'CONT', $self->{pid} }

# Forget all that was kept, for a start from nothing.
sub forget {
	my ($self) = @_;
	unlink glob "$self->{dir}/*.rdb $self->{dir}/appendonlydir/*";
	return;
}

# A section of INFO as a hash.
sub info {
	my ($self, $section) = @_;
	return { $self->cmd('INFO', $section) =~ /^([^:#\r\n]+):([^\r\n]*)/gm };
}

# Follow another one, or nobody.
sub follow {
	my ($self, $primary) = @_;
	$self->{replicaof} = $primary;
	return $self->cmd('REPLICAOF', $primary ? ($primary->{address}, $primary->{port}) : qw(NO ONE));
}

# Wait until this replica has all that its primary has.
sub wait_replica {
	my ($self, $seconds) = @_;

	return poll($seconds // 10, sub {
		my ($own, $its) = map { eval { $_->info('replication') } // {} } $self, $self->{replicaof};
		return ($own->{master_link_status} // '') eq 'up' && defined $its->{master_repl_offset}
		  && $own->{slave_repl_offset} >= $its->{master_repl_offset};
	});
}

# The connection of the tests' own, as the user "default"; opened when it is needed.
sub client {
	my ($self) = @_;

	delete $self->{client} if $self->{client} && $self->{client}->is_lost;
	return $self->{client} //= $self->new_client;
}

sub new_client {
	my ($self, %opt) = @_;
	$opt{password} //= $self->{requirepass} unless exists $opt{username};
	return Martlet::Resp->new($self->where, %opt);
}

# What a client can do, so that a server, too, can be asked to.
package Martlet::Redis::Client;

use strict;
use warnings;

use Martlet::Resp;

for my $method (qw(cmd pipeline multi xadd_change)) {
	no strict 'refs';
	*$method = sub {
		my ($self, @args) = @_;
		my @result = eval {
			my $client = $self->client;
			wantarray ? $client->$method(@args) : scalar $client->$method(@args);
		};
		return wantarray ? @result : $result[0] unless $@;
		delete $self->{client} unless $@ =~ /^Redis: /;
		die $@;
	};
}

1;
