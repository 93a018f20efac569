# A system call made by another process, as one who took it over would: x86-64 Linux.
package Martlet::Inside;

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(SEEK_SET);
use Martlet::Process qw(poll);
use POSIX ();

our @EXPORT_OK = qw(can_intrude open_in);

my ($PTRACE, $OPENAT, $CLOSE) = (101, 257, 3);
my %REQUEST = (step => 9, get => 12, set => 13, attach => 16, detach => 17);
my %AT      = (rax => 10, rdx => 12, rsi => 13, rdi => 14, orig_rax => 15, rip => 16, rsp => 19);
my $AT_FDCWD = -100;
my $ROOM     = 8192;		# below the stack's end, out of anybody's way

sub can_intrude {
	my (undef, undef, undef, undef, $machine) = POSIX::uname();
	return $^O eq 'linux' && $machine eq 'x86_64';
}

sub _ptrace {
	my ($request, $pid) = @_;
	# what is read goes into the caller's own string
	return syscall($PTRACE, $REQUEST{$request}, $pid, 0, $_[2] // 0) == 0;
}

sub _registers {
	my ($pid) = @_;
	my $raw = "\0" x (27 * 8);
	_ptrace('get', $pid, $raw) or die "registers of $pid: $!\n";
	return unpack 'q27', $raw;
}

# It waits in a system call, behind whose instruction it stands.
sub _attach {
	my ($pid) = @_;

	return poll(10, sub {
		_ptrace('attach', $pid) or die "cannot trace $pid: $!\n";
		waitpid $pid, 0;
		open my $memory, '+<:raw', "/proc/$pid/mem" or die "memory of $pid: $!\n";
		my @registers = _registers($pid);
		sysseek $memory, $registers[ $AT{rip} ] - 2, SEEK_SET;
		sysread $memory, my $octets, 2;
		return [$memory, @registers] if $octets eq "\x0f\x05";
		_ptrace('detach', $pid);
		return;
	}) || die "$pid does not wait\n";
}

sub _call {
	my ($pid, $registers, $number, @arguments) = @_;
	my @changed = @$registers;

	@changed[@AT{qw(rax rdi rsi rdx)}] = ($number, @arguments);
	$changed[ $AT{orig_rax} ] = -1;
	$changed[ $AT{rip} ] -= 2;
	_ptrace('set', $pid, pack 'q27', @changed) or die "registers of $pid: $!\n";
	_ptrace('step', $pid) or die "step of $pid: $!\n";
	waitpid $pid, 0;
	return (_registers($pid))[ $AT{rax} ];
}

# Have process `pid` open a file.  returns 0, or errno.
sub open_in {
	my ($pid, $path, $flags) = @_;
	my ($memory, @registers) = @{ _attach($pid) };
	my $at = $registers[ $AT{rsp} ] - $ROOM;

	sysseek $memory, $at, SEEK_SET;
	syswrite $memory, "$path\0";
	my $fd = _call($pid, \@registers, $OPENAT, $AT_FDCWD, $at, $flags);
	_call($pid, \@registers, $CLOSE, $fd, 0, 0) if $fd >= 0;
	_ptrace('set', $pid, pack 'q27', @registers);
	_ptrace('detach', $pid);
	return $fd < 0 ? -$fd : 0;
}

1;
