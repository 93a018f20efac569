# Comparing our answers with those of NSD, Knot and BIND, as sets of records.  Where we
# accept that one of them answers otherwise, a rule says so: what differs, when exactly,
# which RFC stands behind it, and why.  Anything else is a failure.
package Martlet::Compare;

use strict;
use warnings;

use Martlet::Denial qw(labels_of is_below);
use Martlet::Wire qw(name_to_text name_to_wire rdata_canonical type_name type_number);

my %lines; # of records, which come again and again, from each server

# %arg: ours, peers (kind => Martlet::Peer), origins (as text), signed (a truth),
# hidden (code: whether a name exists only in a parent zone's file; see the NSD rule),
# exists (code: whether any zone's file has the name).
sub new {
	my ($class, %arg) = @_;
	my $self = bless { used => {}, asked => 0, %arg }, $class;

	%lines = ();
	$self->{apexes} = { map { lc name_to_wire($_) => 1 } @{ $arg{origins} } };
	return $self;
}

# The deepest zone that the name lies in; for DS the parent's, when that is served too.
sub zone_of {
	my ($self, $name, $type) = @_;
	my $wire = lc $name;
	my $found;

	if (($type // 0) == 43 && $wire ne "\0" && $self->{apexes}{$wire}) {
		$found = $wire;
		$wire = substr $wire, 1 + ord $wire;
	}
	while (!$self->{apexes}{$wire}) {
		return $found if $wire eq "\0";
		$wire = substr $wire, 1 + ord $wire;
	}
	return $wire;
}

sub _line {
	my ($record) = @_;
	my ($owner, $type, $class, $ttl, $rdata) = @$record;
	my $line = \$lines{ pack 'n2 N a*', $type, $class, $ttl, $owner . $rdata };
	return $$line //= join ' ', lc name_to_text($owner), $ttl,
	  $class == 1 ? type_name($type) : "$class:$type", unpack 'H*', rdata_canonical($type, $rdata);
}

sub _is_denial {
	my ($record) = @_;
	my $type = $record->[1] == 46 ? unpack 'n', $record->[4] : $record->[1];
	return $type == 47 || $type == 50;
}

# A response as sets of lines.  Proofs of denial in the authority section stand apart.
sub reduce {
	my ($answer) = @_;
	my %set = (rcode => { $answer->rcode => 1 }, aa => { $answer->aa => 1 },
		tc => { $answer->tc => 1 }, answer => {}, authority => {}, denial => {}, additional => {});

	for my $section (qw(answer authority additional)) {
		for my $record (@{ $answer->{$section} }) {
			my $part = $section eq 'authority' && _is_denial($record) ? 'denial' : $section;
			$set{$part}{ _line($record) } = 1;
		}
	}
	return \%set;
}

# From `name` along the CNAMEs of an answer.  returns where they end, the names that
# were passed, and whether they go in a circle.
sub chain {
	my ($answer, $name) = @_;
	my %cname = map { lc $_->[0] => lc $_->[4] } grep { $_->[1] == 5 } @{ $answer->{answer} };
	my %seen;
	$name = lc $name;

	while (exists $cname{$name}) {
		return $name, \%seen, 1 if $seen{$name}++;
		$name = $cname{$name};
	}
	return $name, \%seen, 0;
}

# Whether one DNAME of the answer was applied twice: it leads to below itself.
sub _dname_again {
	my ($answer, $passed) = @_;

	for my $dname (grep { $_->[1] == 39 } @{ $answer->{answer} }) {
		my $below = grep { lc $_ ne lc $dname->[0] && is_below($_, $dname->[0]) } keys %$passed;
		return 1 if $below > 1;
	}
	return 0;
}

sub _follows { my ($type) = @_; return $type != 5 && $type != 255 }

# Where the chain of an answer first leaves the zone that it was in for another one of
# ours, before that was asked for; and the names up to there.
sub _border {
	my ($self, $answer, $name, $type) = @_;
	my %cname = map { lc $_->[0] => lc $_->[4] } grep { $_->[1] == 5 } @{ $answer->{answer} };
	my (%seen, @before);
	my $crossings = $answer->{crossings} // {};

	while (exists $cname{$name} && !$seen{$name}++) {
		push @before, $name;
		my $here  = $self->zone_of($name);
		my $there = $self->zone_of($cname{$name}, $type);
		if (defined $here && defined $there && $here ne $there && !$crossings->{"$name>$cname{$name}"}) {
			$answer->{crossings}{"$name>$cname{$name}"} = 1;
			return $cname{$name}, @before;
		}
		$name = $cname{$name};
	}
	return;
}

# Ask a peer, going on by hand where it stops at the border of a zone although the next
# one is served too (RFC 1034, section 4.3.2, step 3a: back to step 1).
sub ask_whole {
	my ($self, $kind, $name, $type, %opt) = @_;
	my $peer = $self->{peers}{$kind};
	my $number = type_number($type);
	my $answer = $peer->ask(\$name, $type, %opt) // die "$kind does not answer\n";
	my $start = lc $name;
	my %crossed;

	return ($answer, 0) if $kind eq 'nsd' || !_follows($number) || $answer->tc;
	for (1 .. 20) {
		my ($border, @before) = $self->_border($answer, $start, $number);
		last if !defined $border || $crossed{$border}++;
		my $more = $peer->ask(\$border, $type, %opt) // die "$kind does not answer\n";
		# a referral towards the other zone is taken back, its proofs stay; so is what
		# the zone itself holds of the other's names
		my %before = map { $_ => 1 } @before;
		my @stay = $answer->rcode eq 'NOERROR'
		  ? grep { _is_denial($_) } @{ $answer->{authority} } : ();
		my @kept = grep { $before{ lc $_->[0] } || $_->[1] == 39
			|| ($_->[1] == 46 && unpack('n', $_->[4]) == 39) } @{ $answer->{answer} };
		my %have = map { _line($_) => 1 } @kept;
		$answer->{answer} = [@kept, grep { !$have{ _line($_) } } @{ $more->{answer} }];
		$answer->{authority} = [@stay, @{ $more->{authority} }];
		$answer->{additional} = $more->{additional};
		$answer->{rcode} = $more->{rcode};
		$answer->{tc} |= $more->{tc};
	}
	return ($answer, scalar %crossed);
}

# ---- proofs ----

# Octets of the name at `at`.
sub _name_len {
	my ($octets, $at) = @_;
	my $start = $at;

	$at += 1 + ord substr $octets, $at, 1 while ord substr $octets, $at, 1;
	return $at + 1 - $start;
}

# What a response of ours fails to prove, see Martlet::Denial; undef when nothing.
sub unproved {
	my ($self, $answer, $name, $type) = @_;
	my $number = type_number($type);
	my ($end, undef, $circle) = _follows($number) ? chain($answer, $name) : (lc $name, {}, 0);
	my $apex = $self->zone_of($end, $number);
	my (@expanded, %kind);

	for my $record (@{ $answer->{answer} }) {
		next unless $record->[1] == 46;
		my $labels = unpack 'x3 C', $record->[4];
		my @owner = labels_of($record->[0]);
		shift @owner if @owner && $owner[0] eq '*';
		next if @owner <= $labels;
		push @expanded, [$record->[0], $labels, lc substr $record->[4], 18,
			_name_len($record->[4], 18)];
	}
	$kind{expanded} = \@expanded;
	$kind{mixed} = 1;
	return Martlet::Denial::unproved($answer, $end, $number, $apex, %kind)
	  if $circle || !defined $apex || $answer->rcode !~ /^(?:NOERROR|NXDOMAIN)$/;
	my ($ns) = grep { $_->[1] == 2 } @{ $answer->{authority} };
	if ($ns && !grep { $_->[1] == 6 } @{ $answer->{authority} }) {
		$kind{referral} = lc $ns->[0];
		$kind{secure} = grep { $_->[1] == 43 } @{ $answer->{authority} };
	} elsif (grep { $_->[1] == 6 } @{ $answer->{authority} }) {
		$kind{negative} = $answer->rcode eq 'NXDOMAIN' ? 'nxdomain' : 'nodata';
	}
	return Martlet::Denial::unproved($answer, $end, $number, $apex, %kind);
}

# ---- rules ----

# Each rule: `peers` it speaks of, `parts` that may differ, `when` as code over the case
# { name, type, ours, theirs (reduced), our, their (answers), others, diff, signed, ... }.
# The first that fits takes its parts out of the difference.
our @RULES;

sub _rule { my (%rule) = @_; push @RULES, \%rule; return }

sub _subset { my ($part, $whole) = @_; return !grep { !$whole->{$_} } keys %$part }
sub _same { my ($one, $two) = @_; return _subset($one, $two) && _subset($two, $one) }

sub _agree {
	my ($case, $kind, @parts) = @_;
	my $other = $case->{others}{$kind} or return 0;
	return !grep { !_same($case->{ours}{$_}, $other->{$_}) } @parts;
}

my @ALL = qw(rcode aa tc answer authority denial additional);

_rule(
	name => 'any',
	peers => [qw(nsd knot bind)],
	rfc => 'RFC 8482, section 4.1',
	why => 'we answer ANY by one RRset; BIND by all, NSD and Knot by one of their choice',
	parts => [qw(answer authority denial additional)],
	when => sub {
		my ($case) = @_;
		return 0 unless $case->{type} == 255 && keys %{ $case->{ours}{answer} };
		my %types = map { ($_->[1] == 46 ? unpack('n', $_->[4]) : $_->[1]) => 1 }
		  @{ $case->{our}{answer} };
		my $all = ($case->{others}{bind} // $case->{theirs})->{answer};
		return keys %types == 1 && _subset($case->{ours}{answer}, $all);
	});

_rule(
	name => 'any-dname',
	peers => [qw(nsd knot)],
	rfc => 'RFC 8482, section 4.1',
	why => 'the DNAME and the CNAME made of it are answer enough to ANY, for BIND too; NSD'
	  . ' and Knot follow it',
	parts => [qw(rcode answer authority denial additional)],
	when => sub {
		my ($case) = @_;
		return $case->{type} == 255 && _subset($case->{ours}{answer}, $case->{theirs}{answer})
		  && grep { $_->[1] == 39 } @{ $case->{our}{answer} };
	});

_rule(
	name => 'knot-one-signature',
	peers => ['knot'],
	rfc => 'RFC 4035, section 3.1.1; RFC 8482, section 7',
	why => 'we answer a query for RRSIG by all signatures of the name, Knot by one',
	parts => ['answer'],
	when => sub {
		my ($case) = @_;
		return $case->{type} == 46 && keys %{ $case->{theirs}{answer} }
		  && _subset($case->{theirs}{answer}, $case->{ours}{answer})
		  && (_agree($case, 'bind', 'answer') || _agree($case, 'nsd', 'answer'));
	});

_rule(
	name => 'nsd-one-tree',
	peers => ['nsd'],
	rfc => 'RFC 1034, section 4.3.2, steps 2 and 3',
	why => 'NSD keeps the names of all zones in one tree: one that stands in a parent zone'
	  . ' below the cut (glue, occluded data) counts as existing in the child zone',
	parts => \@ALL,
	when => sub {
		my ($case) = @_;
		# (see alias-nsec for the last)
		return 0 unless $case->{hidden} && ($case->{endless} || $case->{type} == 47 || _agree($case, 'knot', qw(rcode aa answer authority))
			|| _agree($case, 'bind', qw(rcode aa answer authority)));
		return grep { $case->{hidden}->($_) } $case->{name}, $case->{end}, keys %{ $case->{passed} },
		  map { lc $_->[0] } @{ $case->{their}{answer} };
	});

_rule(
	name => 'bind-loop',
	peers => ['bind'],
	rfc => 'RFC 1034, section 3.6.2',
	why => 'for a chain of aliases without an end BIND adds SERVFAIL to the same records',
	parts => [qw(rcode answer denial)],
	when => sub {
		my ($case) = @_;
		return $case->{endless} && $case->{theirs}{rcode}{SERVFAIL};
	});

_rule(
	name => 'endless',
	peers => [qw(nsd knot)],
	rfc => 'RFC 1034, section 3.6.2',
	why => 'each server follows an endless chain of aliases for another number of steps, so'
	  . ' that not all get to the name that is too long',
	parts => [qw(rcode answer denial)],
	when => sub {
		my ($case) = @_;
		return $case->{endless} && (_subset($case->{ours}{answer}, $case->{theirs}{answer})
			|| _subset($case->{theirs}{answer}, $case->{ours}{answer}));
	});

_rule(
	name => 'knot-yxdomain',
	peers => ['knot'],
	rfc => 'RFC 6672, section 2.2',
	why => 'where a DNAME makes a name too long, Knot answers YXDOMAIN as all do, but goes on'
	  . ' with another name',
	parts => [qw(answer authority denial additional)],
	when => sub {
		my ($case) = @_;
		return $case->{ours}{rcode}{YXDOMAIN} && $case->{theirs}{rcode}{YXDOMAIN}
		  && _subset($case->{ours}{answer}, $case->{theirs}{answer})
		  && _agree($case, 'nsd', qw(rcode answer)) && _agree($case, 'bind', qw(rcode answer));
	});

_rule(
	name => 'bind-minimal',
	peers => ['bind'],
	rfc => 'RFC 1034, section 4.3.2, step 6',
	why => 'BIND with minimal responses adds only addresses that a referral cannot do without',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		return _subset($case->{theirs}{additional}, $case->{ours}{additional});
	});

_rule(
	name => 'nsd-alias-meta',
	peers => ['nsd'],
	rfc => 'RFC 4035, section 2.5',
	why => 'RRSIGs stand beside a CNAME, so that a query for them ends at its owner; NSD'
	  . ' follows the alias when it has none there, but not for NSEC3, which never stands there',
	parts => \@ALL,
	when => sub {
		my ($case) = @_;
		return 1 if $case->{type} == 50 && %{ $case->{passed} }
		  && _subset($case->{theirs}{answer}, $case->{ours}{answer});
		return $case->{type} =~ /^(?:46|47|50)$/ && _agree($case, 'knot', qw(rcode aa answer authority));
	});

_rule(
	name => 'alias-nsec',
	peers => [qw(knot bind)],
	rfc => 'RFC 1034, section 4.3.2, step 3a',
	why => 'a query for NSEC at an alias without one follows the alias, as for any other type;'
	  . ' Knot and BIND end there',
	parts => \@ALL,
	when => sub {
		my ($case) = @_;
		return $case->{type} == 47 && %{ $case->{passed} }
		  && _subset($case->{theirs}{answer}, $case->{ours}{answer})
		  && grep { $_->[1] == 6 } @{ $case->{their}{authority} };
	});

_rule(
	name => 'bind-nsec-at-cut',
	peers => ['bind'],
	rfc => 'RFC 1034, section 4.3.2, step 3b; RFC 4035, section 3.1.4',
	why => 'only DS is answered from above a cut, NSEC is referred like all else; not by BIND',
	parts => \@ALL,
	when => sub {
		my ($case) = @_;
		return $case->{type} == 47 && !$case->{our}->aa && _agree($case, 'knot', qw(rcode aa answer authority))
		  && _agree($case, 'nsd', qw(rcode aa answer authority));
	});

_rule(
	name => 'nsd-no-additional',
	peers => ['nsd'],
	rfc => 'RFC 1034, section 4.3.2, step 6',
	why => 'NSD adds no addresses to some answers; Knot does as we do',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		my $knot = $case->{others}{knot} or return 0;
		return !keys %{ $case->{theirs}{additional} }
		  && _subset($case->{ours}{additional}, $knot->{additional});
	});

_rule(
	name => 'crossing',
	peers => [qw(knot bind)],
	rfc => 'RFC 1034, section 4.3.2, step 3a',
	why => 'Knot and BIND stop at the border of a zone; when asked for the rest, the proofs'
	  . ' of a referral in between stand where ours are',
	parts => ['denial'],
	when => sub {
		my ($case) = @_;
		return $case->{crossed} && $case->{signed} && !defined $case->{unproved}->();
	});

_rule(
	name => 'proof-missing',
	peers => [qw(nsd knot bind)],
	rfc => 'RFC 4035, sections 3.1.3 and 5.4; RFC 5155, section 8',
	why => 'their proof is not whole (NSD: below names with a label "*"; Knot and BIND: for a'
	  . ' wildcard that is an empty non-terminal), ours is, says a checker of our own',
	parts => ['denial'],
	when => sub {
		my ($case) = @_;
		return $case->{signed} && defined $case->{theirs_unproved}->()
		  && !defined $case->{unproved}->();
	});

_rule(
	name => 'optout-wildcard',
	peers => [qw(nsd knot)],
	rfc => 'RFC 5155, section 7.2.5',
	why => 'the wildcard is an empty non-terminal above unsigned cuts and has no NSEC3: like'
	  . ' BIND we show its span all the same',
	parts => ['denial'],
	when => sub {
		my ($case) = @_;
		return $case->{signed} && !defined $case->{unproved}->() && _agree($case, 'bind', 'denial')
		  && _subset($case->{theirs}{denial}, $case->{ours}{denial});
	});

_rule(
	name => 'nsd-more-denial',
	peers => ['nsd'],
	rfc => 'RFC 4035, section 3.1.3.1; RFC 5155, section 7.2.3',
	why => 'NSD denies a wildcard also where the name itself or an empty non-terminal is'
	  . ' proved; with opt-out it may show another span than BIND and we',
	parts => ['denial'],
	when => sub {
		my ($case) = @_;
		return $case->{signed} && !defined $case->{unproved}->()
		  && (_subset($case->{ours}{denial}, $case->{theirs}{denial})
			|| _agree($case, 'bind', 'denial'));
	});

_rule(
	name => 'knot-optout-empty',
	peers => ['knot'],
	rfc => 'RFC 5155, sections 6 and 7.2.1',
	why => 'below an empty non-terminal that only unsigned cuts make, and that has no NSEC3,'
	  . ' Knot finds no closest encloser and leaves all out',
	parts => [qw(aa answer authority denial)],
	when => sub {
		my ($case) = @_;
		return !%{ $case->{theirs}{answer} } && $case->{signed} && !%{ $case->{theirs}{authority} } && !%{ $case->{theirs}{denial} }
		  && !defined $case->{unproved}->();
	});

_rule(
	name => 'knot-additional-proof',
	peers => ['knot'],
	rfc => 'RFC 4035, section 3.1.1',
	why => 'additional data need no proof that they come from a wildcard',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		my @more = grep { !$case->{ours}{additional}{$_} } keys %{ $case->{theirs}{additional} };
		return _subset($case->{ours}{additional}, $case->{theirs}{additional})
		  && !grep { !/^\S+ \d+ (?:NSEC3? |RRSIG 00(?:2f|32))/ } @more;
	});

_rule(
	name => 'naptr-additional',
	peers => [qw(nsd knot)],
	rfc => 'RFC 3403, section 4.2',
	why => 'we add the addresses of NAPTR targets with the flag "A", NSD and Knot do not',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		return $case->{type} == 35 && !keys %{ $case->{theirs}{additional} };
	});

_rule(
	name => 'knot-service',
	peers => ['knot'],
	rfc => 'RFC 9460, section 4.1',
	why => 'Knot adds SVCB and HTTPS records of the target, which the RFC recommends, and'
	  . ' for a target "." under a wildcard the addresses of that wildcard; we add the'
	  . ' addresses of the target',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		my @more = grep { !$case->{ours}{additional}{$_} } keys %{ $case->{theirs}{additional} };
		return $case->{type} =~ /^6[45]$/ && _subset($case->{ours}{additional}, $case->{theirs}{additional})
		  && !grep { !/^\*\.|^\S+ \d+ (?:NSEC3? |SVCB|HTTPS|RRSIG 00(?:2f|32|40|41))/ } @more;
	});

_rule(
	name => 'additional-wildcard',
	peers => [qw(nsd knot)],
	rfc => 'RFC 1034, section 4.3.2, step 6',
	why => 'additional data are what is at hand: addresses of a target that only a wildcard'
	  . ' would make are left to be asked for, as with BIND',
	parts => ['additional'],
	when => sub {
		my ($case) = @_;
		my @more = grep { !$case->{ours}{additional}{ _line($_) } } @{ $case->{their}{additional} };
		return $case->{exists} && _subset($case->{ours}{additional}, $case->{theirs}{additional})
		  && !grep { !_is_denial($_) && $case->{exists}->($_->[0]) } @more;
	});

# What of the case no rule explains: a list of lines.
sub _unexplained {
	my ($self, $case) = @_;
	my %diff = map { $_ => 1 } grep { !_same($case->{ours}{$_}, $case->{theirs}{$_}) } @ALL;

	for my $rule (@RULES) {
		last unless %diff;
		next unless grep { $_ eq $case->{kind} } @{ $rule->{peers} };
		next unless grep { $diff{$_} } @{ $rule->{parts} };
		next unless $rule->{when}->($case);
		delete $diff{$_} for @{ $rule->{parts} };
		$self->{used}{ $rule->{name} }++;
	}
	my @lines;
	for my $part (grep { $diff{$_} } @ALL) {
		push @lines, map {"$case->{kind} $part only ours: $_"}
		  sort grep { !$case->{theirs}{$part}{$_} } keys %{ $case->{ours}{$part} };
		push @lines, map {"$case->{kind} $part only theirs: $_"}
		  sort grep { !$case->{ours}{$part}{$_} } keys %{ $case->{theirs}{$part} };
	}
	return @lines;
}

# Ask all the same; returns the unexplained differences as lines.
sub check {
	my ($self, $name_text, $type, %opt) = @_;
	my $name = name_to_wire($name_text);
	my $our  = $self->{ours}->ask(\$name, $type, %opt)
	  // return 'ours does not answer';
	my ($end, $passed, $circle) = chain($our, $name);
	my $ours = reduce($our);
	$self->{last} = { as => _question($name_text, $type, %opt), answer => $our, reduced => $ours };
	my (%their, %crossed, @lines);

	$self->{asked}++;
	for my $kind (sort keys %{ $self->{peers} }) {
		($their{$kind}, $crossed{$kind}) = $self->ask_whole($kind, $name, $type, %opt);
	}
	my %theirs = map { $_ => reduce($their{$_}) } keys %their;
	my $endless = $circle || _dname_again($our, $passed);
	for my $their (values %their) {
		my (undef, $their_passed, $their_circle) = chain($their, $name);
		$endless ||= $their_circle || _dname_again($their, $their_passed);
	}
	for my $kind (sort keys %their) {
		my $case = {
			kind => $kind,
			name => lc $name,
			type => type_number($type),
			end => $end,
			passed => $passed,
			endless => $endless,
			our => $our, ours => $ours,
			their => $their{$kind}, theirs => $theirs{$kind}, others => \%theirs,
			crossed => scalar(grep { $_ } values %crossed),
			signed => $self->{signed} && $opt{do},
			hidden => $self->{hidden},
			exists => $self->{exists},
			unproved => sub { $self->unproved($our, $name, $type) },
			theirs_unproved => sub { $self->unproved($their{$kind}, $name, $type) },
		};
		push @lines, $self->_unexplained($case);
	}
	if ($self->{signed} && $opt{do}) {
		my $why = $self->unproved($our, $name, $type);
		push @lines, "ours proves too little: $why" if defined $why;
	}
	return @lines;
}

# By which a later check knows that the same was asked.
sub _question {
	my ($name_text, $type, %opt) = @_;
	return join ' ', $name_text, $type, map { $_ // 0 } @opt{qw(tcp edns do)};
}

# Ask ours over UDP with `size` (0: no EDNS) and hold it against its own answer over TCP:
# what fits comes whole, but for additional data; what does not comes as question, OPT
# and TC (RFC 2181, section 9; RFC 6891, section 6.2.5; RFC 9471).
sub check_udp {
	my ($self, $name_text, $type, %opt) = @_;
	my $name = name_to_wire($name_text);
	my $last = $self->{last};
	$last = undef if $last && $last->{as} ne _question($name_text, $type, %opt, tcp => 1);
	my $whole = $last ? $last->{answer} : $self->{ours}->ask(\$name, $type, %opt, tcp => 1)
	  // return 'no answer over TCP';
	my $short = $self->{ours}->ask(\$name, $type, %opt) // return 'no answer over UDP';
	my $room  = $opt{edns} > 512 ? $opt{edns} : 512;
	my @lines;

	$room = $self->{udp_size} if $room > $self->{udp_size};
	push @lines, "UDP answer of " . $short->len . " octets, $room allowed" if $short->len > $room;
	push @lines, 'EDNS in only one of question and answer'
	  if !$opt{edns} != !$short->{edns};
	my ($one, $two) = (reduce($short), $last ? $last->{reduced} : reduce($whole));
	if ($short->tc) {
		push @lines, "TC, but the whole answer has " . $whole->len . " of $room octets"
		  if $whole->len <= $room;
		push @lines, 'TC with records'
		  if grep { @{ $short->{$_} } } qw(answer authority additional);
		# cut short on the way along an alias, the end is not known yet
		push @lines, 'TC with another rcode or AA'
		  unless (_same($one->{rcode}, $two->{rcode}) || $one->{rcode}{NOERROR})
		  && _same($one->{aa}, $two->{aa});
		return @lines;
	}
	for my $part (qw(rcode aa answer authority denial)) {
		push @lines, "UDP and TCP differ in $part" unless _same($one->{$part}, $two->{$part});
	}
	push @lines, 'UDP adds what TCP has not' unless _subset($one->{additional}, $two->{additional});
	push @lines, 'fits, but additional data are missing'
	  if $whole->len <= $room && !_same($one->{additional}, $two->{additional});
	my ($cut) = grep { $_->[1] == 2 } @{ $short->{authority} };
	for my $glue ($cut ? @{ $whole->{additional} } : ()) {
		push @lines, 'in-domain glue is missing without TC'
		  if $glue->[1] != 46 && is_below($glue->[0], $cut->[0]) && !$one->{additional}{ _line($glue) };
	}
	return @lines;
}

1;
