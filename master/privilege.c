/* Looking up users, becoming one, and whether its directories can be used. */
#include "master/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "master/alloc.h"
#include "shm/errcode.h"
#include "shm/log.h"

static int
find_user(const struct settings *settings, struct privilege *out)
{
	const struct passwd *user = getpwnam(settings->user);

	if (!user) {
		log_errorx("user: there is no user \"%s\": create it (`useradd --system "
			   "%s`),"
			   " name another one, or set user = \"\"",
			   settings->user, settings->user);
		return ERR_NOTFOUND;
	}
	out->uid = user->pw_uid;
	out->gid = user->pw_gid;
	out->is_change = true;
	return 0;
}

#define DEFAULT_GROUP "martlet" /* as settings_schema.c has it */

static int
find_group(const char *option, const char *name, gid_t *out)
{
	const struct group *group = getgrnam(name);

	if (!group) {
		log_errorx("%s: there is no group \"%s\": create it (`groupadd --system "
			   "%s`) "
			   "or name another one",
			   option, name, name);
		return ERR_NOTFOUND;
	}
	*out = group->gr_gid;
	return 0;
}

static void
find_name(struct privilege *privilege)
{
	const struct passwd *user = getpwuid(privilege->uid);

	if (user)
		snprintf(privilege->name, sizeof privilege->name, "%s", user->pw_name);
	else
		snprintf(privilege->name, sizeof privilege->name, "%u",
			 (unsigned)privilege->uid);
}

/* With the present user kept, a group that was not asked for is kept too. */
static bool
changes_group(const struct settings *settings)
{
	if (!settings->user[0] && strcmp(settings->group, DEFAULT_GROUP) == 0)
		return false;
	return settings->group[0] != '\0';
}

int
privilege_find(const struct settings *settings, struct privilege *out)
{
	bool is_root = geteuid() == 0;
	int result = 0;

	memset(out, 0, sizeof *out);
	out->uid = geteuid();
	out->gid = getegid();
	out->control_gid = (gid_t)-1;
	if (is_root && settings->user[0])
		result = find_user(settings, out);
	if (!result && is_root && changes_group(settings)) {
		result = find_group("group", settings->group, &out->gid);
		out->is_change = true;
	}
	if (!result && settings->control_group[0])
		result = find_group("control_group", settings->control_group,
				    &out->control_gid);
	find_name(out);
	return result;
}

void
privilege_warn(const struct settings *settings)
{
	if (geteuid() != 0)
		return;
	if (settings->user[0] && !getpwnam(settings->user))
		log_warnx("user: there is no user \"%s\" here, to start as root needs it",
			  settings->user);
	if (changes_group(settings) && !getgrnam(settings->group))
		log_warnx("group: there is no group \"%s\" here, to start as root needs "
			  "it",
			  settings->group);
}

/* Can the file be written, or made where it is missing? */
static bool
is_writable(const char *path)
{
	struct stat status;
	char *copy;
	bool is_there;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return false;
	}
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		return true;
	if (errno != ENOENT)
		return false;
	copy = alloc_text(path);
	is_there = faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS) == 0;
	free(copy);
	return is_there;
}

void
privilege_warn_file(const struct settings *settings, const char *option, const char *path)
{
	const struct passwd *user = settings->user[0] ? getpwnam(settings->user) : NULL;
	struct privilege privilege = { .is_change = geteuid() == 0 && user };

	if (privilege.is_change) {
		privilege.uid = user->pw_uid;
		privilege.gid = user->pw_gid;
	}
	privilege_assume(&privilege);
	if (!is_writable(path))
		log_warn("%s: %s cannot be written: its directory must exist, and %s%s "
			 "be able to write there",
			 option, path,
			 privilege.is_change ? "user " : "the server's user",
			 privilege.is_change ? settings->user : "");
	privilege_resume(&privilege);
}

/* Root that could come back is no drop. */
static bool
is_dropped(const struct privilege *privilege)
{
	uid_t real, effective, saved;
	gid_t real_gid, effective_gid, saved_gid;

	if (getresuid(&real, &effective, &saved) != 0 ||
	    getresgid(&real_gid, &effective_gid, &saved_gid) != 0)
		return false;
	if (real != privilege->uid || effective != real || saved != real ||
	    real_gid != privilege->gid || effective_gid != real_gid ||
	    saved_gid != real_gid)
		return false;
	return privilege->uid == 0 || setuid(0) != 0;
}

/* Of a service that was started as its user, with the right to bind low ports.  A real
 * root without user keeps its rights: its files may depend on them. */
static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0,
										 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, none) == 0;
}

static int
change_user(const struct privilege *privilege)
{
	if (initgroups(privilege->name, privilege->gid) != 0 ||
	    setresgid(privilege->gid, privilege->gid, privilege->gid) != 0 ||
	    setresuid(privilege->uid, privilege->uid, privilege->uid) != 0) {
		log_error("cannot become user %s", privilege->name);
		return ERR_RIGHTS;
	}
	if (!is_dropped(privilege)) {
		log_errorx("cannot become user %s for good", privilege->name);
		return ERR_RIGHTS;
	}
	return 0;
}

int
privilege_drop(const struct privilege *privilege)
{
	int result = privilege->is_change ? change_user(privilege) : 0;

	if (result)
		return result;
	if (privilege->uid != 0 && !drop_capabilities()) {
		log_error("cannot give up capabilities");
		return ERR_RIGHTS;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* so that the master may look into a hung child, and a crash leaves a core */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

/* Whether it worked is seen by whoever then makes a file. */
static void
set_effective(uid_t uid, gid_t gid)
{
	if (uid == 0 && seteuid(uid) != 0)
		log_warn("cannot go back to root");
	if (setegid(gid) != 0 || seteuid(uid) != 0)
		log_warn("cannot act as user %u", (unsigned)uid);
}

void
privilege_assume(const struct privilege *privilege)
{
	if (privilege->is_change)
		set_effective(privilege->uid, privilege->gid);
}

void
privilege_resume(const struct privilege *privilege)
{
	if (privilege->is_change)
		set_effective(0, getgid());
}

int
privilege_make_dir(const struct privilege *privilege, const char *option,
		   const char *path, mode_t mode)
{
	mode_t before = umask(0);
	int result = mkdir(path, mode);

	umask(before);
	if (result == 0) {
		if (!privilege->is_change ||
		    lchown(path, privilege->uid, privilege->gid) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	log_error("%s: cannot make the directory %s: make it yourself (`install -d -o %s "
		  "%s`)",
		  option, path, privilege->name, path);
	return errcode_from_errno(errno);
}

int
privilege_check_dir(const struct privilege *privilege, const char *option,
		    const char *path, int mode)
{
	struct stat status;

	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
		log_errorx("%s: %s is no directory: remove it, or set another %s", option,
			   path, option);
		return ERR_NOTFOUND;
	}
	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		log_errorx(
			"%s: there is no directory %s: make it (`install -d -o %s %s`)",
			option, path, privilege->name, path);
	else
		log_error(
			"%s: user %s may not %s in %s: give it the right (`chown %s %s`)",
			option, privilege->name, mode & W_OK ? "write" : "read", path,
			privilege->name, path);
	return errcode_from_errno(errno);
}
