#!/bin/sh
# Install the Debian packages that are missing: t/deps.sh PACKAGE...
#
# With nothing missing, neither apt nor root is touched.  Otherwise, as root or with sudo
# on a terminal, the apt-get line is shown and run; else it is printed, and we fail.
# No service that comes along is left running, or started at the next boot.
set -eu

POLICY=/usr/sbin/policy-rc.d

installed() {
	dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' |
		LC_ALL=C sort -u
}

# Those of the arguments that are not installed.
missing() {
	have=$(installed)
	for package; do
		echo "$have" | grep -qxF "$package" || printf '%s ' "$package"
	done
}

# Packages start no service where this file says 101.  One that stands there is kept.
forbid_starts() {
	[ -e "$POLICY" ] && return
	trap 'rm -f "$POLICY"' EXIT
	trap 'exit 1' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

# The services that the packages named on stdin bring, a name a line.
services() {
	while read -r package; do
		dpkg -L "$package" 2>/dev/null || true
	done | sed -n -e 's#^\(/usr\)\{0,1\}/lib/systemd/system/\([^@/]*\)\.service$#\2#p' \
		-e 's#^/etc/init\.d/\([^/]*\)$#\1#p' | sort -u
}

# Stop a service if the policy that we found has let it start, and keep it off.
switch_off() {
	if [ -d /run/systemd/system ]; then
		systemctl -q stop "$1.service" || true
	elif [ -x "/etc/init.d/$1" ] && "/etc/init.d/$1" status; then
		"/etc/init.d/$1" stop || true
	fi
	if [ -x "/etc/init.d/$1" ] && command -v update-rc.d; then
		update-rc.d "$1" disable || true
	fi
	if command -v systemctl; then
		systemctl -q disable "$1.service" || true
	fi
}

install_packages() {
	before=$(mktemp)
	installed >"$before"
	forbid_starts
	export DEBIAN_FRONTEND=noninteractive
	# a bare machine has no package lists, another one old ones
	apt-get install -y --no-install-recommends "$@" </dev/null || {
		apt-get update </dev/null
		apt-get install -y --no-install-recommends "$@" </dev/null
	}
	for service in $(installed | LC_ALL=C comm -13 "$before" - | services); do
		switch_off "$service" >/dev/null 2>&1 </dev/null
	done
	rm -f "$before"
}

if [ "${1:-}" = --as-root ]; then
	shift
	install_packages "$@"
	exit
fi
if ! command -v dpkg-query >/dev/null; then
	echo "This is no Debian system. Needed are, by Debian's names: $*" >&2
	exit
fi
packages=$(missing "$@")
[ -n "$packages" ] || exit 0
line="apt-get install -y --no-install-recommends $packages"
if [ "$(id -u)" = 0 ]; then
	echo "$line"
	# shellcheck disable=SC2086 # a list
	sh "$0" --as-root $packages
elif [ -t 0 ] && command -v sudo >/dev/null; then
	echo "sudo $line"
	# shellcheck disable=SC2086
	sudo sh "$0" --as-root $packages
else
	echo "Packages are missing. As root:" >&2
	echo "  $line" >&2
	exit 1
fi
