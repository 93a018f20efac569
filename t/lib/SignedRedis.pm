# Another file's test, on the same data in Redis, with all of its zones signed:
#
#	perl -It/lib -MSignedRedis t/469-redins-words.t
#
# Each zone that is in Redis when martletd starts, or comes later through Martlet::Redis,
# is given "dnssec": true and keys.  The test sees the answers that it asked for, which must
# be those of an unsigned zone; each question is put once more with DO, and that answer must
# say the same, carry signatures that verify, and prove what it denies.
#
# Questions and answers are those that go through Martlet::Wire and Martlet::Answer, of the one
# server of the test.
# MARTLET_DENIAL: "nsec3" or "optout".  MARTLET_SUBTESTS: a pattern; subtests whose names do not match it are left out.
package SignedRedis;

use strict;
use warnings;

use Martlet::Wire;

# id => octets of the last question that had it
my %asked;

BEGIN {
	no warnings 'redefine';
	my $encode = \&Martlet::Wire::encode_query;
	*Martlet::Wire::encode_query = sub {
		my $query = $encode->(@_);
		return $asked{ unpack 'n', $query } = $query;
	};
}

use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Compare;
use Martlet::Peer;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::Wire qw(name_to_text name_to_wire type_name);
use Net::DNS;
use Net::DNS::SEC;
use RedisKeys qw(keygen key_strings public_of);
use Scalar::Util qw(weaken);
use Test::More ();

my $KEYS_OF = 'keys.invalid';	# whose keys all zones are given, in their own names
my $DENIAL = $ENV{MARTLET_DENIAL};
my $json = JSON::PP->new->utf8->canonical;
my $dir = tempdir(CLEANUP => 1);
my (@servers, $martlet, %public, %strings, %apexes);
my $checked = 0;
our $is_busy = 0;

# ---- zones are signed ----

sub _keys {
	Martlet::Peer::need('dnssec-keygen');
	for my $role (['ksk', '-f', 'KSK'], ['zsk']) {
		my ($name, @how) = @$role;
		my $path = keygen($dir, $KEYS_OF, '-a', 13, @how);
		my $public = public_of($path);
		$public{ $public->keytag } = $public;
		%strings = (%strings, key_strings($name => $path, escaped => $name eq 'zsk'));
	}
	return;
}

# Commands that give a zone keys; `list` is the name of the list of zones.
sub _sign {
	my ($list, $zone) = @_;
	my ($head, $tail) = $list =~ /^(.*?(?:redins|z42):zones)(.*)$/ or return;
	return if $zone !~ /^[a-z0-9.-]+\.$/ || $zone =~ /\.\./;

	$apexes{ name_to_wire($zone) } = 1;
	return ['SETNX', "$head:$zone:config$tail", _signed_config('{}')],
	  map { ['SET', "$head:$zone:$_$tail", $strings{$_} =~ s/\Q$KEYS_OF\E\./$zone/r] } sort keys %strings;
}

sub _signed_config {
	my ($text) = @_;
	my $config = eval { $json->decode($text) };
	return $text if ref $config ne 'HASH';

	return $json->encode({ %$config, dnssec => JSON::PP::true, ($DENIAL ? (denial => $DENIAL) : ()) });
}

sub _sign_all {
	my ($redis) = @_;
	my $client = eval { $redis->new_client } // return;

	for my $list (@{ $client->cmd('KEYS', '*:zones*') }) {
		next if $list !~ /^[^:]*(?:redins|z42):zones[^:]*$/;
		for my $zone (@{ $client->cmd('SMEMBERS', $list) }) {
			my $config = $list =~ s/(:zones)/$1:$zone:config/r;
			my $text = $client->cmd('GET', $config);
			# is written as it is signed
			$client->cmd('SET', $config, $text) if defined $text;
			$client->cmd(@$_) for _sign($list, $zone);
		}
	}
	return;
}

# A command of the test, as it is sent: a zone's keys are there before it is listed.
sub _signed {
	my ($name, $key, @rest) = @_;

	if (uc $name eq 'SADD' && $key =~ /:zones[^:]*$/) {
		for my $redis (grep { defined && $_->running } @servers) {
			my $client = $redis->new_client;
			$client->cmd(@$_) for map { _sign($key, $_) } @rest;
		}
	} elsif (uc $name eq 'SET' && $key =~ /:zones:[^:]*:config[^:]*$/) {
		$rest[0] = _signed_config($rest[0]);
	}
	return ($name, defined $key ? $key : (), @rest);
}

# ---- answers are checked ----

sub _verifies {
	my ($set) = @_;
	for my $sig (@{ $set->{sigs} }) {
		my $key = $public{ $sig->keytag } // return 'signed by another key';
		return 'a TTL above the signed one' if grep { $_->ttl > $sig->orgttl } @{ $set->{rrs} };
		return $sig->vrfyerrstr unless $sig->verify($set->{rrs}, $key);
	}
	return;
}

# RRsets of the answer with their signatures: "section owner type" => { rrs, sigs }.
sub _rrsets {
	my ($answer) = @_;
	my %sets;

	for my $section (qw(answer authority additional)) {
		for my $rr (grep { $_->type ne 'OPT' } $answer->packet->$section) {
			my $type = $rr->type eq 'RRSIG' ? $rr->typecovered : $rr->type;
			my $set = $sets{"$section " . lc($rr->owner) . " $type"} //= { rrs => [], sigs => [] };
			push @{ $set->{ $rr->type eq 'RRSIG' ? 'sigs' : 'rrs' } }, $rr;
		}
	}
	return \%sets;
}

# What is wrong with the signatures.
sub _bad_signatures {
	my ($answer) = @_;
	my $sets = _rrsets($answer);
	my $made = grep { $_->[1] == 39 } @{ $answer->{answer} };
	my @bad;

	for my $name (sort keys %$sets) {
		my ($section, undef, $type) = split / /, $name;
		my $set = $sets->{$name};
		# not signed: a cut's NS, glue, the CNAME that a DNAME makes
		my $is_free = $section eq 'additional' || ($section eq 'authority' && $type eq 'NS') || ($type eq 'CNAME' && $made);
		my $fault = @{ $set->{sigs} } ? _verifies($set) : $is_free ? undef : 'no signature';
		push @bad, "$name: $fault" if defined $fault;
	}
	return @bad;
}

sub _without_dnssec {
	my ($answer, $type) = @_;
	my $text = $answer->rcode . ($answer->aa ? ' aa' : '');

	for my $section (qw(answer authority)) {
		$text .= "\n$section: $_" for grep { !/^\S+ \d+ (?!\Q$type\E )(?:RRSIG|NSEC|NSEC3) / } $answer->text($section);
	}
	# DS goes with a referral to those who can use it
	return $text =~ s/^authority: .* DS .*\n?//mgr;
}

sub _asked_again {
	my ($message) = @_;
	my $had_edns = unpack 'x10 n', $message;
	my $twin = $message;

	if ($had_edns) {
		# the flags of the OPT record, which follows the question
		my $at = 12;
		$at += 1 + ord substr $twin, $at, 1 while ord substr $twin, $at, 1;
		substr($twin, $at + 5 + 7, 2) = pack 'n', 0x8000 | unpack 'n', substr $twin, $at + 5 + 7, 2;
	} else {
		substr($twin, 10, 2) = pack 'n', 1;
		$twin .= pack 'C n n C C n n', 0, 41, 1232, 0, 0, 0x8000, 0;
	}
	my $response = $martlet->exchange($twin, tcp => 1) // return;
	return Martlet::Answer->new($response);
}

# Is it a question whose answer we can judge?
sub _question {
	my ($message) = @_;
	my $query = eval { Martlet::Wire::decode($message) } // return;
	my ($question, @more) = @{ $query->{question} };

	return if !$question || @more || $query->{opcode} || $question->[2] != 1 || $question->[1] == 255;
	return if $query->{edns} && ($query->{edns}{do} || $query->{edns}{version});
	return $question;
}

sub _check {
	my ($message, $plain) = @_;
	my ($name, $number) = @{ _question($message) // return };
	my $zones = bless { apexes => \%apexes }, 'Martlet::Compare';
	my ($type, $what) = (type_name($number), name_to_text($name) . ' ' . type_name($number));

	return if $plain->tc || $plain->rcode !~ /^(?:NOERROR|NXDOMAIN)$/ || !defined $zones->zone_of($name, $number);
	for my $attempt (1 .. 20) {
		my $signed = _asked_again($message) // return;
		my @bad = _bad_signatures($signed);
		my $unproved = $zones->unproved($signed, $name, $type);
		push @bad, $unproved if defined $unproved;
		$checked++;
		if (@bad) {
			Test::More::fail("$what with DO: " . join '; ', @bad);
			Test::More::diag($signed->dump);
			return;
		}
		return if _without_dnssec($signed, $type) eq _without_dnssec($plain, $type);
		# data change, some sets are drawn, others signed when they are asked for
		select undef, undef, undef, 0.02;
		my $again = Martlet::Answer->new($martlet->exchange($message) // return);
		return if _without_dnssec($plain, $type) ne _without_dnssec($again, $type);
		Test::More::diag("$what: with DO:\n" . $signed->dump . "without:\n" . $plain->dump) if $attempt == 20;
	}
	Test::More::fail("$what: the same with DO and without");
	return;
}

# ---- hooks ----

{
	no strict 'refs';
	no warnings 'redefine';
	my %was = (
		answer => \&Martlet::Answer::new, start => \&Martlet::start, redis => \&Martlet::Redis::start,
		exchange_all => \&Martlet::Ask::exchange_all, cmd => \&Martlet::Resp::cmd, pipeline => \&Martlet::Resp::pipeline, subtest => \&Test::More::subtest,
	);

	*Martlet::Answer::new = sub {
		my ($class, $wire) = @_;
		my $answer = $was{answer}->($class, $wire);
		my $query = $asked{ $answer->{id} };
		return $answer if !$query || !$martlet || $is_busy || !%apexes;
		local $is_busy = 1;
		_check($query, $answer);
		return $answer;
	};
	*Martlet::Ask::exchange_all = sub {
		my ($self, @messages) = @_;
		my @responses = $was{exchange_all}->($self, @messages);
		for my $i (grep { defined $responses[$_] } 0 .. $#messages) {
			$asked{ unpack 'n', $messages[$i] } = $messages[$i];
			Martlet::Answer->new($responses[$i]);
		}
		return @responses;
	};
	*Martlet::start = sub {
		my ($self, @args) = @_;
		_sign_all($_) for grep { defined && $_->running } @servers;
		$self->expect_log(qr/no NS at the top/);
		weaken($martlet = $self);
		return $was{start}->($self, @args);
	};
	*Martlet::Redis::start = sub {
		my ($self) = @_;
		if (!grep { defined && $_ == $self } @servers) {
			push @servers, $self;
			weaken($servers[-1]);
		}
		return $was{redis}->($self);
	};
	*Martlet::Resp::cmd = sub {
		my ($self, @command) = @_;
		return $was{cmd}->($self, _signed(@command));
	};
	*Martlet::Resp::pipeline = sub {
		my ($self, @commands) = @_;
		return $was{pipeline}->($self, map { [_signed(@$_)] } @commands);
	};
	*Test::More::subtest = sub {
		my ($name) = @_;
		return if defined $ENV{MARTLET_SUBTESTS} && $name !~ /$ENV{MARTLET_SUBTESTS}/;
		goto &{ $was{subtest} };
	};
}

_keys();
END { Test::More::diag("$checked answers were checked with DO") }

1;
