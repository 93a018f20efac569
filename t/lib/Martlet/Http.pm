# HTTP as octets: requests that no client library would send are wanted too.
package Martlet::Http;

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::IP;
use JSON::PP ();
use Time::HiRes qw(time);

our @EXPORT_OK = qw(http_connect http_get http_read http_json);

sub http_connect {
	my ($port, $address) = @_;
	return IO::Socket::IP->new(PeerHost => $address // '127.0.0.1', PeerPort => $port, Type => SOCK_STREAM)
	  // die "port $port: $!\n";
}

# One response from a socket: { status, headers (lower case), body }; undef when the
# connection ends, or nothing comes for so many seconds, before it is whole.
sub http_read {
	my ($socket, %arg) = @_;
	my $select = IO::Select->new($socket);
	my $end = time + ($arg{seconds} // 10);
	my $text = '';

	while (1) {
		if ($text =~ /\A(.*?)\r\n\r\n(.*)\z/s) {
			my ($head, $body) = ($1, $2);
			my ($status) = $head =~ m{\AHTTP/1\.[01] (\d+)} or return;
			my %headers;
			$headers{ lc $1 } = $2 while $head =~ /^([\w-]+): *([^\r\n]*)/mg;
			my $len = $arg{head} ? 0 : $headers{'content-length'} // 0;
			return { status => $status, headers => \%headers, body => $body, head => $head }
			  if length $body >= $len;
		}
		my $left = $end - time;
		return if $left <= 0 || !$select->can_read($left);
		return unless sysread $socket, $text, 65536, length $text;
	}
}

# %arg: method, headers (a list of lines), host (undef: none), address, seconds.
sub http_get {
	my ($port, $path, %arg) = @_;
	my $socket = http_connect($port, $arg{address});
	my $method = $arg{method} // 'GET';
	my @headers = @{ $arg{headers} // [] };

	unshift @headers, 'Host: ' . ($arg{host} // "127.0.0.1:$port")
	  unless exists $arg{host} && !defined $arg{host};
	local $SIG{PIPE} = 'IGNORE';
	print $socket join "\r\n", "$method $path HTTP/1.1", @headers, '', $arg{body} // '';
	$socket->flush;
	return http_read($socket, head => $method eq 'HEAD', seconds => $arg{seconds});
}

sub http_json {
	my ($port, $path, %arg) = @_;
	my $response = http_get($port, $path, %arg) // return;
	return eval { JSON::PP->new->utf8->decode($response->{body}) };
}

1;
