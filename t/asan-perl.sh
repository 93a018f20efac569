#!/bin/sh
# For each Perl test a script that runs it on another build, so that one prove runs both:
# t/asan-perl.sh BUILD TEST...
set -eu

build=$1
shift
rm -rf "$build/t/perl"
mkdir -p "$build/t/perl"
for test; do
	name=$build/t/perl/${test##*/}
	cat >"$name" <<-END
		#!/usr/bin/perl
		\$ENV{BUILD} = "$build";
		exec \$^X, "$test" or die;
	END
done
