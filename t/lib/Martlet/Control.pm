# The control protocol by hand (shm/ctl_proto.h), for what martletctl would never send.
#
#	my $c = Martlet::Control->new($m->control_socket) or die;
#	$c->request('reload', 'example.com.');
#	my ($status, $json) = $c->reply;	# status undef: hung up without an end
package Martlet::Control;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use JSON::PP ();
use Martlet::Process qw(slow);
use Time::HiRes qw(time);

use constant { MAGIC => 0x4d54, REQUEST => 1, PROGRESS => 2, DATA => 3, END_OF_REPLY => 4 };

sub new {
	my ($class, $path) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or return;
	return bless { socket => $socket, progress => [] }, $class;
}

sub head {
	my ($len, %change) = @_;
	return pack 'nCCnnN', $change{magic} // MAGIC, $change{version} // 1,
	  $change{kind} // REQUEST, 0, 0, $len;
}

sub encode {
	my (@args) = @_;
	my $text = join '', map { "$_\0" } @args;
	return head(length $text) . $text;
}

# Octets as they are.  returns whether the server took them.
sub send_raw {
	my ($self, $octets) = @_;
	local $SIG{PIPE} = 'IGNORE';

	while (length $octets) {
		my $sent = syswrite $self->{socket}, $octets;
		return 0 unless $sent;
		substr $octets, 0, $sent, '';
	}
	return 1;
}

sub request {
	my ($self, @args) = @_;
	return $self->send_raw(encode(@args));
}

# Exactly `len` octets, undef when the server hangs up or `end` passes.
sub _read {
	my ($self, $len, $end) = @_;
	my $select = IO::Select->new($self->{socket});
	my $octets = '';

	while (length $octets < $len) {
		return unless $select->can_read($end - time > 0 ? $end - time : 0);
		my $got = sysread $self->{socket}, $octets, $len - length $octets, length $octets;
		return unless $got;
	}
	return $octets;
}

# The exit status and the decoded object; progress lines are in {progress}.
sub reply {
	my ($self, $seconds) = @_;
	my $end = time + ($seconds // 20) * slow();
	my $text = '';

	while (defined(my $head = $self->_read(12, $end))) {
		my (undef, undef, $kind, $status, undef, $len) = unpack 'nCCnnN', $head;
		my $data = $len ? $self->_read($len, $end) // return : '';
		push @{ $self->{progress} }, $data if $kind == PROGRESS;
		$text .= $data if $kind == DATA;
		return $status, scalar eval { JSON::PP->new->utf8->decode($text) }
		  if $kind == END_OF_REPLY;
	}
	return;
}

# Whether a reply, or the end, can be read by now.
sub is_answered {
	my ($self) = @_;
	return scalar IO::Select->new($self->{socket})->can_read(0);
}

# Whether the server has hung up, after at most `seconds`.
sub is_closed {
	my ($self, $seconds) = @_;
	my $select = IO::Select->new($self->{socket});

	return 0 unless $select->can_read($seconds * slow());
	return !sysread $self->{socket}, my $octet, 1;
}

# One request, one reply.
sub ask {
	my ($path, @args) = @_;
	my $control = __PACKAGE__->new($path) or return;

	$control->request(@args);
	return $control->reply;
}

1;
