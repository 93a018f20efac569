# An stunnel of a test's own, from the text of a configuration.
package Martlet::Stunnel;

use strict;
use warnings;

use parent -norequire, qw(Martlet::Process);

use Martlet::Process qw(find_program poll write_file);
use Martlet::Resp;

sub is_installed { return defined find_program('stunnel4') }

# %arg: text (of the services), where (it accepts, host:port).
sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg }, $class;

	$self->_prepare;
	write_file("$self->{dir}/stunnel.conf", "foreground = yes\npid =\nsyslog = no\n$self->{text}");
	$self->_spawn(find_program('stunnel4'), "$self->{dir}/stunnel.conf");
	return $self if poll(10, sub { $self->log =~ /Configuration successful/ || !$self->running })
	  && $self->running;
	die "stunnel does not start:\n" . $self->log;
}

sub where { return $_[0]{where} }

sub stop { return $_[0]->_end('TERM', 10) }

1;
