#!/bin/sh
# Run a command with its temporary files in memory, where there is room for them: a suite
# that waits for a disk thousands of times is as slow as that disk.
#	t/in-memory.sh COMMAND [ARGUMENT...]
set -eu

memory=/dev/shm
least_kb=4194304

has_room() {
	free_kb=$(df -kP "$memory" | awk 'NR == 2 { print $4 }')
	left_kb=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
	[ "$free_kb" -ge "$least_kb" ] && [ "$left_kb" -ge $((2 * least_kb)) ]
}

# Some tests run a copy of a program.
may_run() {
	cp /bin/true "$1/true" && "$1/true" 2>/dev/null
}

if [ -z "${TMPDIR:-}" ] && [ -w "$memory" ] && has_room; then
	dir=$(mktemp -d "$memory/martlet-check.XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	trap 'exit 130' INT TERM
	chmod 0711 "$dir" # servers give up root in some tests
	if may_run "$dir"; then
		export TMPDIR="$dir"
	fi
fi
"$@"
