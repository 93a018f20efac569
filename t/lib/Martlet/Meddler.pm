# The way to a Redis server, with somebody on it who changes what the server replies.
#
#	my $meddler = Martlet::Meddler->new($redis, seed => 7);
#	my $m = Martlet->new(config => { redis => $redis->settings(address => $meddler->where) });
#	$meddler->replace('EXEC', "-LOADING x\r\n");	# the reply to each EXEC
#	$meddler->replace('GET', ":1\r\n");	# within EXEC's list, too
#	$meddler->at_random(0.2);	# some replies, by what comes to mind
#	$meddler->hits;	# replies changed so far
#	$meddler->let_be;
#	$meddler->hang_up;	# connections are closed, new ones taken
package Martlet::Meddler;

use strict;
use warnings;

use parent qw(Martlet::Process);

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Martlet::Link ();
use Martlet::Process qw(free_port read_file write_file);

# `to`: what has a method `where`.
sub new {
	my ($class, $to, %opt) = @_;
	my $self = bless { to => $to, seed => $opt{seed} // 1 }, $class;

	$self->_prepare;
	$self->let_be;
	$self->{port} = free_port();
	my $listener = IO::Socket::INET->new(LocalAddr => $self->where, Listen => 64, ReuseAddr => 1)
	  or die 'listening on ' . $self->where . ": $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		eval { $self->_run($listener) };
		print STDERR "meddler: $@";
		POSIX::_exit(1);
	}
	$self->_adopt($pid);
	return $self;
}

sub where { return "$_[0]{address}:$_[0]{port}" }

sub _rule {
	my ($self, %rule) = @_;

	write_file("$self->{dir}/rule.new", JSON::PP->new->canonical->encode({ %rule, number => ++$self->{number} }));
	rename "$self->{dir}/rule.new", "$self->{dir}/rule" or die "rename: $!\n";
	return;
}

sub let_be  { my ($self) = @_; return $self->_rule }
sub replace { my ($self, $command, $raw) = @_; return $self->_rule(command => uc $command, raw => unpack('H*', $raw)) }

# A share of all replies.
sub at_random { my ($self, $share) = @_; return $self->_rule(share => $share) }

sub hits    { my ($self) = @_; return -s "$self->{dir}/hits" // 0 }
sub hang_up { my ($self) = @_; return kill 'USR1', $self->{pid} }
sub stop    { my ($self) = @_; $self->_end('KILL', 10); return }

# ---- RESP ----

# A reply that begins at `at` of $$in, as [kind, line or text, items], and where it ends;
# nothing when it is not whole.
sub parse {
	my ($in, $at) = @_;
	my $end = index $$in, "\r\n", $at;
	return if $end < 0;
	my $kind = substr $$in, $at, 1;
	my $line = substr $$in, $at + 1, $end - $at - 1;
	my $next = $end + 2;

	return (["$kind", $line], $next) if $kind !~ /[\$*]/ || $line < 0;
	if ($kind eq '$') {
		return if length($$in) < $next + $line + 2;
		return ([$kind, substr $$in, $next, $line], $next + $line + 2);
	}
	my @items;
	for (1 .. $line) {
		my ($item, $behind) = parse($in, $next) or return;
		push @items, $item;
		$next = $behind;
	}
	return ([$kind, $line, \@items], $next);
}

sub build {
	my ($reply) = @_;
	my ($kind, $text, $items) = @$reply;

	return $text if $kind eq 'raw';
	return "*" . @$items . "\r\n" . join '', map { build($_) } @$items if $items;
	return "$kind$text\r\n" if $kind ne '$' || $text eq '-1';
	return '$' . length($text) . "\r\n$text\r\n";
}

# ---- changes ----

my @NOISE = (
	"-ERR no\r\n", "-LOADING Redis is loading the dataset in memory\r\n", "-MASTERDOWN Link is down\r\n",
	"-OOM command not allowed\r\n", "-NOPERM no permissions\r\n", "-MOVED 3999 127.0.0.1:6381\r\n",
	"-NOAUTH Authentication required.\r\n", "-EXECABORT Transaction discarded\r\n", "-\r\n", "-WRONGTYPE x\r\n",
	"+\r\n", "+OK\r\n", "+QUEUED\r\n", '$-1' . "\r\n", "\$0\r\n\r\n", "\$3\r\na\0b\r\n", "*-1\r\n", "*0\r\n",
	":0\r\n", ":1\r\n", ":-1\r\n", ":9223372036854775807\r\n", ":-9223372036854775808\r\n",
	"*1\r\n*1\r\n*1\r\n*0\r\n", "*2\r\n:1\r\n\$-1\r\n", "*3\r\n\$1\r\n0\r\n*0\r\n:1\r\n", "*1\r\n-ERR inside\r\n",
	"\$20\r\n99999999999999999999\r\n", "\$20\r\n18446744073709551615\r\n",
	"\$41\r\n18446744073709551615-18446744073709551615\r\n", "\$3\r\n9-9\r\n",
	'$' . (6 << 20) . "\r\n" . 'x' x (6 << 20) . "\r\n",
	'$40' . "\r\n" . '{"a":{"records":[{"ip":"192.0.2.250"}]}}' . "\r\n",
	"\$400\r\n" . '[' x 400 . "\r\n", "\$1023\r\n" . 'a.' x 511 . "a\r\n",
	"\$7\r\n\e[31m\r\n\r\n", "+\e]0;title\a\xff\xfe\r\n",
);
# what a connection does not survive
my @ENDS = (
	"*2147483647\r\n", "*1\r\n" x 12, "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0", "\$99999999999999999999\r\n",
	"*99999999999999999999\r\n", "\$9000000000000000000\r\nx", ":x\r\n", "*x\r\n", "?\r\n", "\$100\r\nabc", '', "\r\n\r\n",
	'+' . 'x' x 70_000,
);

sub _all_parts {
	my ($reply) = @_;
	return ($reply, map { _all_parts($_) } @{ $reply->[2] // [] });
}

# One that looks like what it stands for; or, now and then, the end of the connection.
sub _spoil {
	my ($reply) = @_;

	return $ENDS[rand @ENDS] if rand() < 0.15;
	my @parts = _all_parts($reply);
	my $part = $parts[rand @parts];
	my $items = $part->[2];
	if ($items && @$items && rand() < 0.5) {
		my $at = rand @$items;
		rand() < 0.5 ? splice(@$items, $at, 1) : splice(@$items, $at, 0, $items->[rand @$items]);
	} else {
		@$part = ('raw', $NOISE[rand @NOISE]);
	}
	return build($reply);
}

# ---- passing on ----

sub _read_rule {
	my ($self) = @_;
	my $text = read_file("$self->{dir}/rule");

	return $self->{rule} if ($self->{rule_text} // '') eq $text;
	$self->{rule_text} = $text;
	return $self->{rule} = JSON::PP->new->decode($text);
}

sub _hit {
	my ($self) = @_;

	open my $out, '>>', "$self->{dir}/hits" or return;
	syswrite $out, 'x';
	close $out;
	return;
}

# The commands of an EXEC, in the order of its list.
sub _replace_inside {
	my ($reply, $commands, $rule) = @_;
	my $count = 0;

	for my $i (0 .. $#{ $reply->[2] // [] }) {
		next unless ($commands->[$i] // '') eq $rule->{command};
		$reply->[2][$i] = ['raw', pack 'H*', $rule->{raw}];
		$count++;
	}
	return $count;
}

# What the client is to see in place of a reply.
sub _change {
	my ($self, $way, $reply, $octets) = @_;
	my $rule = $self->_read_rule;
	my $command = @{ $way->{asked} } ? shift @{ $way->{asked} } : 'PUSH';

	if ($command eq 'MULTI') {
		$way->{inside} = [];
	} elsif ($way->{inside} && $command ne 'EXEC') {
		push @{ $way->{inside} }, $command;
	}
	my $inside = $command eq 'EXEC' ? delete $way->{inside} : undef;
	if ($rule->{share} && rand() < $rule->{share}) {
		$octets = _spoil($reply);
	} elsif ($rule->{command} && $rule->{command} eq $command && ($command eq 'MULTI' || !$way->{inside})) {
		$octets = pack 'H*', $rule->{raw};
	} elsif ($rule->{command} && $inside && _replace_inside($reply, $inside, $rule)) {
		$octets = build($reply);
	} else {
		return $octets;
	}
	$self->_hit;
	return $octets;
}

# Commands are only counted and named.
sub _note_commands {
	my ($way) = @_;

	while (my ($command, $next) = parse(\$way->{out}, 0)) {
		my $name = uc($command->[2][0][1] // '');
		push @{ $way->{asked} }, $name;
		substr $way->{out}, 0, $next, '';
	}
	return;
}

sub _pass_replies {
	my ($self, $way) = @_;

	while (my ($reply, $next) = parse(\$way->{in}, 0)) {
		my $octets = substr $way->{in}, 0, $next, '';
		Martlet::Link::_write_all($way->{near}, $self->_change($way, $reply, $octets)) or return 0;
	}
	return 1;
}

sub _pass {
	my ($self, $way, $socket) = @_;
	my $data;

	sysread($socket, $data, 65536) or return 0;
	if ($socket == $way->{near}) {
		$way->{out} .= $data;
		_note_commands($way);
		return Martlet::Link::_write_all($way->{far}, $data);
	}
	$way->{in} .= $data;
	return $self->_pass_replies($way);
}

sub _run {
	my ($self, $listener) = @_;
	my $select = IO::Select->new($listener);
	my (%ways, $hang_up);
	my $drop = sub {
		my ($way) = @_;
		$select->remove($way->{near}, $way->{far});
		delete @ways{ $way->{near}, $way->{far} };
		close $_ for $way->{near}, $way->{far};
	};

	srand $self->{seed};
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{USR1} = sub { $hang_up = 1 };
	while (1) {
		my @ready = $select->can_read(0.2);
		$drop->($_) for $hang_up ? values %{ { map { ($_ => $_) } values %ways } } : ();
		$hang_up = 0;
		for my $socket (@ready) {
			if ($socket == $listener) {
				my $near = $listener->accept or next;
				my $far = Martlet::Link::_connect($self->{to}->where);
				next unless $far;
				$ways{$near} = $ways{$far} = { near => $near, far => $far, in => '', out => '', asked => [] };
				$select->add($near, $far);
				next;
			}
			my $way = $ways{$socket} or next;
			$self->_pass($way, $socket) or $drop->($way);
		}
	}
	return;
}

1;
