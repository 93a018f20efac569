# A client of Redis: RESP2 over TCP or a Unix socket, as much as tests want of it.
#
#	my $r = Martlet::Resp->new('127.0.0.1:6379', username => 'u', password => 'p');
#	my $value = $r->cmd('GET', 'key');	# dies with Redis's words on an error
#	my @replies = $r->pipeline(['SET', 'a', 1], ['GET', 'a']);
#	my @done = $r->multi(sub { $_[0]->cmd('SET', 'a', 1); ... });
#
# A reply is a string or number, undef for null, a list for an array; an error inside a
# list or a pipeline is a Martlet::Resp::Error, whose {text} is what Redis said.
package Martlet::Resp;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Martlet::Process qw(slow);
use Socket qw(MSG_NOSIGNAL IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

# `address`: host:port, or the path of a socket.  %opt: username, password, db, seconds
# (to wait for a reply, times slow(); 10).  Dies when nobody answers there.
sub new {
	my ($class, $address, %opt) = @_;
	my $socket = $address =~ m{^/} ? IO::Socket::UNIX->new(Peer => $address)
	  : IO::Socket::INET->new(PeerAddr => $address, Timeout => 5 * slow());
	my $self = bless { socket => $socket, in => '', seconds => $opt{seconds} // 10 }, $class;

	die "connection to Redis at $address: $!\n" unless $socket;
	$socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1) if $address !~ m{^/};
	my @user = grep { defined } @opt{qw(username password)};
	$self->cmd('AUTH', @user) if @user;
	$self->cmd('SELECT', $opt{db}) if $opt{db};
	return $self;
}

# Has Redis hung up since the last reply?
sub is_lost {
	my ($self) = @_;
	return $self->{in} eq '' && scalar IO::Select->new($self->{socket})->can_read(0);
}

sub encode {
	my (@args) = @_;
	return join '', '*', scalar @args, "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @args;
}

# Octets as they are.
sub send_raw {
	my ($self, $octets) = @_;
	my $at = 0;

	while ($at < length $octets) {
		my $sent = send $self->{socket}, substr($octets, $at, 1 << 20), MSG_NOSIGNAL;
		die "connection to Redis: $!\n" unless defined $sent;
		$at += $sent;
	}
	return;
}

# Send a command without waiting for its reply.
sub send_cmd {
	my ($self, @args) = @_;
	return $self->send_raw(encode(@args));
}

sub _fill {
	my ($self, $end) = @_;
	my $left = $end - time;

	IO::Select->new($self->{socket})->can_read($left > 0 ? $left : 0)
	  or die "Redis does not reply\n";
	my $got = sysread $self->{socket}, $self->{in}, 1 << 18, length $self->{in};
	die "Redis has hung up\n" unless $got;
	return;
}

sub _line {
	my ($self, $end) = @_;
	my $at;

	$self->_fill($end) while ($at = index $self->{in}, "\r\n") < 0;
	my $line = substr $self->{in}, 0, $at;
	substr $self->{in}, 0, $at + 2, '';
	return $line;
}

sub _read {
	my ($self, $end) = @_;
	my $line = $self->_line($end);
	my $rest = substr $line, 1;

	if ($line =~ /^[+:]/) { return $rest }
	if ($line =~ /^-/)    { return bless { text => $rest }, 'Martlet::Resp::Error' }
	if ($line =~ /^[\$*]-1$/) { return }
	if ($line =~ /^\*/) {
		my @list;
		push @list, scalar $self->_read($end) for 1 .. $rest;
		return \@list;
	}
	die "no reply of Redis: $line\n" unless $line =~ /^\$/;
	$self->_fill($end) while length $self->{in} < $rest + 2;
	my $bulk = substr $self->{in}, 0, $rest;
	substr $self->{in}, 0, $rest + 2, '';
	return $bulk;
}

# The next reply, or the next message of a subscription.  Dies when none comes in time;
# `seconds` is a real limit, not scaled.
sub reply {
	my ($self, $seconds) = @_;
	return scalar $self->_read(time + ($seconds // $self->{seconds} * slow()));
}

sub _good {
	my ($reply, @args) = @_;
	die "Redis: $args[0]: $reply->{text}\n" if ref $reply eq 'Martlet::Resp::Error';
	return $reply;
}

sub cmd {
	my ($self, @args) = @_;
	$self->send_cmd(@args);
	return _good(scalar $self->reply, @args);
}

# All commands, then all replies.
sub pipeline {
	my ($self, @commands) = @_;
	my @replies;

	# batches, so that neither side waits for the other with both buffers full
	while (my @batch = splice @commands, 0, 500) {
		$self->send_raw(join '', map { encode(@$_) } @batch);
		push @replies, scalar $self->reply for @batch;
	}
	return @replies;
}

# What `code` asks of its argument (cmd and what is built on it), in one MULTI that is
# sent at once.  Returns the replies; dies when one is an error.
sub multi {
	my ($self, $code) = @_;
	my $queue = bless [], 'Martlet::Resp::Queue';

	$code->($queue);
	my @replies = $self->pipeline(['MULTI'], @$queue, ['EXEC']);
	_good($_, 'MULTI') for @replies;
	my $done = $replies[-1] // die "Redis: EXEC was aborted\n";
	_good($done->[$_], @{ $queue->[$_] }) for 0 .. $#$queue;
	return @$done;
}

# An entry of the change stream: pairs of a zone and the list of its changed labels, an
# empty list for the whole zone; ":config" in a list is its config, and undef for a zone
# the list of zones.  The stream's key may come first.  Returns the entry's id.
sub xadd_change {
	my ($self, @changes) = @_;
	my $stream = @changes % 2 ? shift @changes : 'martlet:changes';
	my @fields;

	while (my ($zone, $labels) = splice @changes, 0, 2) {
		push @fields, defined $zone ? (zone => $zone =~ s/\.?$/./r) : (zones => 1);
		push @fields, map { $_ eq ':config' ? (config => 1) : (label => $_) } @{ $labels // [] };
	}
	return $self->cmd('XADD', $stream, '*', @fields);
}

package Martlet::Resp::Queue;

use strict;
use warnings;

sub cmd {
	my ($self, @args) = @_;
	push @$self, \@args;
	return;
}

sub xadd_change { goto &Martlet::Resp::xadd_change }

1;
