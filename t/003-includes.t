#!/usr/bin/perl
# Who may include whom: worker and loader meet only in shm, nothing includes t/, and each
# outside library stays in its place.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

chdir "$Bin/.." or die "$Bin/..: $!\n";

my %may = (
	shm    => qr{^shm/},
	worker => qr{^(?:shm|worker)/},
	loader => qr{^(?:shm|loader)/},
	# below the sync process: from text and JSON to nodes; generations and their changes;
	# what follows Redis
	'loader/zone'  => qr{^(?:shm|loader/zone)/},
	'loader/sign'  => qr{^(?:shm|loader/(?:zone|sign))/|^loader/loader\.h$},
	'loader/store' => qr{^(?:shm|loader/(?:zone|sign|store))/},
	# what the signer signs for workers
	'loader/steered' => qr{^(?:shm|loader/(?:zone|sign|store|steered))/|^loader/loader\.h$},
	'loader/resolve' => qr{^(?:shm/|loader/(?:zone|store|resolve)/|loader/loader\.h$)},
	# what looks after the health of targets
	'loader/health' => qr{^(?:shm|loader/(?:zone|store|redis|health))/|^loader/loader\.h$},
	'loader/report' => qr{^(?:shm/|loader/report/|loader/loader\.h$)},
	# what writes the query log
	'loader/query_log' => qr{^(?:shm|loader/(?:zone|store|redis|query_log))/|^loader/loader\.h$},
	'loader/redis' => qr{^(?:shm|loader/(?:zone|sign|store|redis))/},
	# a worker's answering, told by a clerk: both meet in this process alone
	'master/explain' => qr{^(?:shm|worker|loader(?:/\w+)?|master/explain)/},
	# profiles and traces: what conducts them, and the files that martletctl makes of them
	'master/profile' => qr{^(?:shm/|master/profile/|master/alloc\.h$|loader/reply\.h$)},
	# the configuration, what the control socket tells, and martletctl
	'master/settings' => qr{^(?:shm/|master/settings/|master/alloc\.h$)},
	'master/stats'    => qr{^(?:shm/|master/stats/|master/\w+\.h$)},
	'master/client'   => qr{^(?:shm/|master/(?:client|settings|profile)/|master/alloc\.h$|loader/loader\.h$)},
	master => qr{^(?:shm/|master/\w+\.h$|worker/worker\.h$|loader/loader\.h$|master/explain/explain\.h$|master/(?:profile|settings|stats)/\w+\.h$)},
);
# Libraries by what their headers begin with, and the files that know them.  A second
# place needs a reason: LMDB holds generations (written in one, walked in two others) and
# overlays (written by the loader, read by workers), which agree in how it is opened; the
# watch list is written in three files of one idea each.
my %home = (
	'ares.h'        => [qw(loader/resolve/resolve_ask.c)],
	'curl/'         => [qw(loader/health/http_probe.c)],
	'uv.h'          => [qw(loader/health/event_loop.c)],
	'hiredis/'      => [qw(loader/redis/redis_parser.c)],
	'jansson.h'     => [qw(loader/zone/json_refusal.c master/client/ctl_client_json.c)],
	'fstrm.h'       => [qw(loader/query_log/log_dnstap.c)],
	'libconfig.h'   => [qw(master/settings/settings_load.c)],
	'libknot/'      => [qw(loader/zone/record_text.c)],
	'libzscanner/'  => [qw(loader/zone/zone_scanner.c)],
	'microhttpd.h'  => [qw(loader/report/http_server.c)],
	'openssl/'      => [qw(loader/sign/sign_crypto.c)],
	'nettle/'       => [qw(shm/sha256.c)],
	'sys/sdt.h'     => [qw(worker/probes.h)],
	'zlib.h'        => [qw(master/profile/pprof_file.c)],
	'maxminddb.h'   => [qw(shm/geo_db.c)],
	'lmdb.h'        => [qw(loader/resolve/resolved_store.c loader/store/key_place.c loader/store/node_file.c loader/store/node_reader.c loader/store/overlay_chain.c loader/store/overlay_env.c loader/store/overlay_read.c loader/store/overlay_write.c loader/store/store_walk.c loader/store/watch_put.c loader/store/watch_read.c loader/store/watch_walk.c loader/store/watch_write.c shm/lmdb_env.c worker/overlay_view.c worker/resolved_view.c)],
);
my $foreign = qr{^(?:libdnssec/)};

sub includes {
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	return map { /^\s*#\s*include\s*([<"])([^>"]+)/ ? [$1, $2, $.] : () } <$in>;
}

my %users;
for my $folder (sort keys %may) {
	my @files = glob "$folder/*.[ch]";
	my @wrong;

	ok(@files > 0, "$folder has files");
	for my $path (@files) {
		for my $include (includes($path)) {
			my ($kind, $name, $line) = @$include;
			if ($kind eq '"') {
				push @wrong, "$path:$line: $name" unless $name =~ $may{$folder} && -e $name;
				next;
			}
			my ($library) = grep { index($name, $_) == 0 } keys %home;
			$users{$library}{$path} = 1 if $library;
			push @wrong, "$path:$line: $name has no place yet" if $name =~ $foreign;
		}
	}
	is(scalar @wrong, 0, "$folder includes only what it may") or diag(join "\n", @wrong);
}
for my $library (sort keys %home) {
	is_deeply([sort keys %{ $users{$library} // {} }], $home{$library}, "$library in its place");
}

done_testing();
