#!/bin/sh
# Install what is built: etc/install.sh BUILD DESTDIR PREFIX
#
# Programs and manuals go below PREFIX, what the system looks for in /etc there, all of it
# below DESTDIR.  What an operator may have changed is kept.  No user is made (see
# sysusers.d), nothing is started.
set -eu

build=$1
dest=$2
prefix=${3%/}
case $prefix/ in
/*) ;;
*)
	echo "PREFIX is '$3': give an absolute path" >&2
	exit 1
	;;
esac

# put MODE FILE PATH: paths in the file follow PREFIX
put() {
	install -d "$dest${3%/*}"
	sed "s,/usr/sbin/martlet,$prefix/sbin/martlet,g" "$2" >"$dest$3.new"
	chmod "$1" "$dest$3.new"
	mv "$dest$3.new" "$dest$3"
	echo "  $dest$3"
}

put_once() {
	if [ -e "$dest$3" ]; then
		echo "  $dest$3 is kept"
	else
		put "$@"
	fi
}

for program in martletd martletctl martlet-flood; do
	install -D -m 0755 "$build/$program" "$dest$prefix/sbin/$program"
	echo "  $dest$prefix/sbin/$program"
done
for page in man/*.[578]; do
	put 0644 "$page" "$prefix/share/man/man${page##*.}/${page#man/}"
done
doc=$prefix/share/doc/martlet
for file in README.md LICENSE; do
	[ ! -e "$file" ] || put 0644 "$file" "$doc/$file"
done
put 0644 etc/martlet.conf "$doc/examples/martlet.conf"
for zone in etc/zones/*.zone; do
	put 0644 "$zone" "$doc/examples/zones/${zone#etc/zones/}"
done
put 0644 etc/systemd/martlet.service "$prefix/lib/systemd/system/martlet.service"
put 0644 etc/sysusers.d/martlet.conf "$prefix/lib/sysusers.d/martlet.conf"
put 0644 etc/tmpfiles.d/martlet.conf "$prefix/lib/tmpfiles.d/martlet.conf"
put 0755 etc/init.d/martlet /etc/init.d/martlet
put_once 0644 etc/default/martlet /etc/default/martlet
put_once 0644 etc/logrotate.d/martlet /etc/logrotate.d/martlet
put_once 0644 etc/martlet.conf /etc/martlet/martlet.conf
