// SPDX-License-Identifier: GPL-2.0
/*
 * find-users.c - users of what patches change, in files that they leave alone.
 * scripts/find-users runs this, and says what is found and what is not.
 *
 * Usage:   find-users --hints | --names | --list | --scan --rules FILE ROOT PATCH...
 * Inputs:  ROOT, PATCH...: patches in their order, paths below ROOT
 *          FILE: rules for what the patches do not show
 *          --scan: on stdin, lines `FILE TAB PATH TAB STATE`: the name in the tree,
 *          where to read it, and `series` if the patches are in it, else `base`
 * Outputs: --hints: words, one a line: a file has no user in which none of them is a
 *          part of any word; --names: the names to look for, one a line: nor has one in
 *          which none of them stands; --list: what the patches change, one a line; --scan:
 *          `FILE:LINE: what it uses: what to do`
 * Exit:    0 none found, 1 some found, 2 usage, or an input is refused
 */
#define _GNU_SOURCE
#include "changes.h"
#include "text.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of the tree. */
struct source {
	const char *name;
	bool patched;
	char *arch;		/* below arch/; else NULL */
	struct text text;	/* as it is; the tokens are without comments */
	char *plain;
	struct tokens tokens;
	struct decls decls;
};

static size_t nr_found;

static bool has_word(const struct source *f, const char *word)
{
	size_t i;

	for (i = 0; i < f->tokens.nr; i++)
		if (token_is(&f->tokens.token[i], word))
			return true;
	return false;
}

/* Line of the first #include of a header that ends in /name or "name, or 0. */
static size_t include_line(const struct source *f, const char *name)
{
	size_t i, len;
	const char *s, *end;

	for (i = 0; i < f->text.nr; i++) {
		s = f->text.line[i];
		s += strspn(s, " \t");
		if (*s++ != '#')
			continue;
		s += strspn(s, " \t");
		if (!starts_with(s, "include"))
			continue;
		s += strcspn(s, "<\"");
		len = *s ? strcspn(s + 1, ">\"") : 0;
		end = s + 1 + len;
		if (len >= strlen(name) && !strncmp(end - strlen(name), name, strlen(name)) &&
		    strchr("/<\"", end[-1 - (long)strlen(name)]))
			return i + 1;
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool concerns(const struct change *c, const struct source *f)
{
	if (f->arch)
		return !*c->archs || word_index(c->archs, f->arch) >= 0;
	return !c->private;
}

/* Lines that some architecture builds for which the change counts. */
static bool *relevant_lines(const struct change *c, const struct source *f)
{
	bool *built = xrealloc(NULL, f->text.nr + 1, sizeof(*built));
	bool *one = xrealloc(NULL, f->text.nr + 1, sizeof(*one));
	char *archs = xstrdup(f->arch ? f->arch : c->archs), *rest = archs, *arch;
	size_t i;

	memset(built, 0, (f->text.nr + 1) * sizeof(*built));
	do {
		arch = strsep(&rest, " ");
		lines_built(one, f->text.nr, &f->tokens, *arch ? arch : NULL, c->macro);
		for (i = 0; i < f->text.nr; i++)
			built[i] |= one[i];
	} while (rest);
	free(archs);
	free(one);
	return built;
}

static void __attribute__((format(printf, 4, 5)))
found(const struct source *f, size_t line, const struct change *c, const char *fmt, ...)
{
	va_list ap;

	printf("%s:%zu: ", f->name, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (c->advice)
		printf("; %s", c->advice);
	printf(" (%s)%s\n", c->patch, f->patched ? " (the line is that of the patched file)" : "");
	nr_found++;
}

/* The function whose arguments hold token at; NULL: none. */
static const struct token *caller(const struct source *f, size_t at)
{
	int depth = 0;

	while (at--) {
		if (token_is(&f->tokens.token[at], ";") || token_is(&f->tokens.token[at], "{"))
			return NULL;
		depth += token_is(&f->tokens.token[at], ")");
		if (token_is(&f->tokens.token[at], "(") && --depth < 0)
			return at && token_is_name(&f->tokens.token[at - 1]) ? &f->tokens.token[at - 1] : NULL;
	}
	return NULL;
}

/* For an rwlock that was a spinlock: what stands for what; NULL: it may stay. */
static char *lock_advice(const char *what)
{
	static const char *const pair[][2] = {
		{ "cond_resched_lock", "cond_resched_rwlock_write" },
		{ "spin_needbreak", "rwlock_needbreak" },
		{ "spin_is_contended", "rwlock_is_contended" },
		{ "assert_spin_locked", "lockdep_assert_held_write" },
		{ "lockdep_assert_held", "lockdep_assert_held_write" },
		{ "spin_is_locked", "lockdep_assert_held_write" },
		{ "spin_lock_init", "rwlock_init" },
	};
	size_t i;

	for (i = 0; i < sizeof(pair) / sizeof(pair[0]); i++)
		if (!strcmp(what, pair[i][0]))
			return xasprintf("make it %s()", pair[i][1]);
	if (starts_with(what, "spin_"))
		return xasprintf("make it write_%s()", what + strlen("spin_"));
	if (strstr(what, "rwlock") || strstr(what, "lockdep") || strstr(what, "might_lock") ||
	    starts_with(what, "write_") || starts_with(what, "read_"))
		return NULL;
	return xasprintf("see that it takes an rwlock_t");
}

static bool is_lock(const struct change *c)
{
	return !strcmp(c->base, "spinlock_t") && c->final && !strcmp(c->final, "rwlock_t");
}

static void field(const struct source *f, const struct change *c, size_t at)
{
	const struct token *t = &f->tokens.token[at], *call;
	bool kvm_code = strstr(f->name, "/kvm/") != NULL;
	char *what, *advice;

	if (!at || (!token_is(t - 1, "->") && !token_is(t - 1, ".")))
		return;
	if (!kvm_code && !include_line(f, base_name(c->header)))
		return;
	/* The patched file may well use it in the new way. */
	if (f->patched && (c->what == RULE_FIELD || (c->what == CHANGE_CHANGED && !is_lock(c))))
		return;
	if (c->what == RULE_FIELD) {
		found(f, t->line, c, "%s: %s", c->name, c->final);
		return;
	}
	if (c->what == CHANGE_REMOVED) {
		found(f, t->line, c, "%s of struct %s: the series removes this field", c->name, c->owner);
		return;
	}
	if (!is_lock(c)) {
		found(f, t->line, c, "%s of struct %s: it was `%s` and becomes `%s`", c->name, c->owner,
		      c->base, c->final);
		return;
	}
	call = caller(f, at);
	what = call ? token_string(call) : NULL;
	/* Of a lock that is held, in whatever mode, this says the truth. */
	if (what && f->patched && !strcmp(what, "lockdep_assert_held")) {
		free(what);
		return;
	}
	advice = what ? lock_advice(what) : xstrdup("see what it is used for");
	if (advice)
		found(f, t->line, c, "%s%s%s as a spinlock: it is an rwlock%s%s%s: %s", what ? what : "",
		      what ? "() of " : "", c->name, *c->macro ? " where " : "", c->macro,
		      *c->macro ? " is defined" : "", advice);
	free(advice);
	free(what);
}

static const struct decl *declared(const struct source *f, const struct change *c, size_t line)
{
	size_t i;

	for (i = 0; i < f->decls.nr; i++)
		if (f->decls.decl[i].line == line && f->decls.decl[i].kind == c->kind &&
		    !strcmp(f->decls.decl[i].name, c->name))
			return &f->decls.decl[i];
	return NULL;
}

/* Has the file something of its own with that name? */
static bool own_one(const struct source *f, const struct change *c)
{
	size_t i;

	if (f->patched || c->what == CHANGE_NEW)
		return false;
	for (i = 0; i < f->decls.nr; i++)
		if (!strcmp(f->decls.decl[i].name, c->name) &&
		    (f->decls.decl[i].is_static || f->decls.decl[i].kind == DECL_FIELD ||
		     (f->decls.decl[i].kind == DECL_MACRO && c->kind == DECL_MACRO)))
			return true;
	return false;
}

/* How many parameters `TYPE (TYPE, ...)` has; how many arguments stand behind t[at]. */
static int parameters(const char *text)
{
	int nr = 1;

	text = strchr(text, '(');
	if (!strcmp(text, "(void)") || !strcmp(text, "()"))
		return 0;
	while ((text = strstr(text, ", "))) {
		text++;
		nr++;
	}
	return nr;
}

static int arguments(const struct source *f, size_t at)
{
	int depth = 0, nr = 1;
	size_t i;

	if (at + 2 >= f->tokens.nr || !token_is(&f->tokens.token[at + 1], "("))
		return -1;
	if (token_is(&f->tokens.token[at + 2], ")"))
		return 0;
	for (i = at + 1; i < f->tokens.nr; i++) {
		depth += token_is(&f->tokens.token[i], "(") || token_is(&f->tokens.token[i], "{");
		depth -= token_is(&f->tokens.token[i], ")") || token_is(&f->tokens.token[i], "}");
		if (!depth)
			break;
		nr += depth == 1 && token_is(&f->tokens.token[i], ",");
	}
	return nr;
}

/* A call that fits the new form cannot be one of the old form. */
static bool is_adapted(const struct source *f, const struct change *c, size_t at)
{
	int nr = parameters(c->final);

	if (nr == parameters(c->base))
		return f->patched;
	return arguments(f, at) == nr || (f->patched && arguments(f, at) < 0);
}

static void function(const struct source *f, const struct change *c, size_t at)
{
	const struct token *t = &f->tokens.token[at], *call;
	const struct decl *d;

	if (at && (token_is(t - 1, "->") || token_is(t - 1, ".")))
		return;
	if (at > 1 && token_is(t - 1, "define"))
		return;
	call = caller(f, at);
	if (call && (strstr(call->s, "_EVENT") || starts_with(call->s, "EXPORT_SYMBOL")) &&
	    call + 2 == t)
		return;
	d = declared(f, c, t->line);
	if (c->what == CHANGE_REMOVED)
		found(f, t->line, c, d ? "declares %s(): the series removes it" :
		      "%s(): the series removes it", c->name);
	else if (d && strcmp(d->text, c->final))
		found(f, t->line, c, "declares %s() as `%s`: it has to be `%s`", c->name, d->text, c->final);
	else if (!d && c->what == CHANGE_CHANGED && !same_to_callers(c->base, c->final) &&
		 !is_adapted(f, c, at))
		found(f, t->line, c, "%s(): it was `%s` and becomes `%s`", c->name, c->base, c->final);
}

static void macro(const struct source *f, const struct change *c, size_t at)
{
	const struct token *t = &f->tokens.token[at];

	if (at && (token_is(t - 1, "->") || token_is(t - 1, ".")))
		return;
	if (f->patched && c->what == CHANGE_CHANGED)
		return;
	if (c->what == CHANGE_REMOVED)
		found(f, t->line, c, "%s: the series removes this macro", c->name);
	else
		found(f, t->line, c, "%s: it was a %s and becomes a %s", c->name, c->base, c->final);
}

static void event(const struct source *f, const struct change *c, size_t at)
{
	const struct token *t = &f->tokens.token[at];

	if (c->what == CHANGE_NEW) {
		if (!f->patched && at > 1 && token_is(t - 1, "(") && starts_with(t[-2].s, "TRACE_EVENT"))
			found(f, t->line, c, "defines the trace event %s: the series has one of that name in %s",
			      c->name, c->header);
		return;
	}
	if (c->what == CHANGE_REMOVED)
		found(f, t->line, c, "trace_%s(): the series removes this trace event", c->name);
}

static void rule(const struct source *f, const struct change *c, size_t at)
{
	const struct token *t = &f->tokens.token[at];

	if (at && (token_is(t - 1, "->") || token_is(t - 1, ".")))
		return;
	if (c->what == RULE_USE && strcmp(f->name, c->base))
		found(f, t->line, c, "%s(): %s", c->name, c->final);
	if (c->what == RULE_LONE && strcmp(f->name, c->header) && !has_word(f, c->base) && !starts_with(f->name, "include/"))
		found(f, t->line, c, "%s(), and no %s() in this file: %s", c->name, c->base, c->final);
}

/* The word that a source uses for NAME; to be freed. */
static char *word_for(const struct change *c)
{
	if (c->kind == DECL_EVENT && c->what != CHANGE_NEW)
		return xasprintf("trace_%s", c->name);
	return xstrdup(c->name);
}

static void look_for(const struct change *c, const struct source *f)
{
	char *word = word_for(c);
	bool *built = NULL;
	size_t i, line;

	if (c->what == RULE_ORDER) {
		line = include_line(f, c->name);
		if (line && include_line(f, c->base) > line)
			found(f, line, c, "<%s> in front of <%s>: %s", c->name, c->base, c->final);
		free(word);
		return;
	}
	for (i = 0; i < f->tokens.nr; i++) {
		if (!token_is(&f->tokens.token[i], word))
			continue;
		if (!built && own_one(f, c))
			break;
		if (!built)
			built = relevant_lines(c, f);
		if (!built[f->tokens.token[i].line - 1])
			continue;
		if (c->kind == DECL_FIELD)
			field(f, c, i);
		else if (c->what >= RULE_USE)
			rule(f, c, i);
		else if (c->kind == DECL_FUNCTION)
			function(f, c, i);
		else if (c->kind == DECL_MACRO)
			macro(f, c, i);
		else
			event(f, c, i);
	}
	free(built);
	free(word);
}

static void scan(const struct changes *c, const char *name, const char *path, bool patched)
{
	struct source f = { .name = name, .patched = patched };
	size_t i, len;
	int err = text_load(&f.text, path);

	if (err)
		refuse(path, "%s", strerror(err));
	f.plain = file_load(path, &len, &err);
	if (!f.plain)
		refuse(path, "%s", strerror(err));
	if (starts_with(name, "arch/"))
		f.arch = xasprintf("%.*s", (int)strcspn(name + 5, "/"), name + 5);
	blank_comments(f.plain, false);
	tokens_read(&f.tokens, f.plain);
	decls_read(&f.decls, &f.tokens, "");
	for (i = 0; i < c->nr; i++)
		if (concerns(&c->change[i], &f))
			look_for(&c->change[i], &f);
	decls_free(&f.decls);
	tokens_free(&f.tokens);
	text_free(&f.text);
	free(f.plain);
	free(f.arch);
}

static void scan_all(const struct changes *c)
{
	char *line = NULL, *name, *path, *state;
	size_t size = 0, nr = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		nr++;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		state = line;
		name = strsep(&state, "\t");
		path = strsep(&state, "\t");
		if (!path || !state || (strcmp(state, "series") && strcmp(state, "base")))
			refuse_line("stdin", nr, "not file, path and state with tabs between");
		scan(c, name, path, !strcmp(state, "series"));
	}
	free(line);
}

static void list(const struct change *c)
{
	static const char *const what[] = {
		"removed", "changed", "new", "any use", "lone use", "field", "order of headers"
	};
	static const char *const kind[] = { "function", "field", "macro", "trace event" };

	if (c->what >= RULE_USE)
		printf("%s: %s: %s", what[c->what], c->name, c->final);
	else
		printf("%s: %s %s%s%s: %s%s%s", what[c->what], kind[c->kind], c->owner, *c->owner ? "." : "", c->name,
		       c->base ? c->base : "", c->base && c->final ? " -> " : "", c->final ? c->final : "");
	printf(" (%s%s%s; %s)\n", c->header, *c->archs ? "; only " : "", c->archs, c->patch);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hints", no_argument, NULL, 'h' },
		{ "names", no_argument, NULL, 'n' },
		{ "list", no_argument, NULL, 'l' },
		{ "scan", no_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *rules = NULL;
	struct changes c;
	int option, mode = 0;
	char *word;
	size_t i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			rules = optarg;
		else if (option == '?')
			return EX_USAGE;
		else
			mode = option;
	}
	if (!mode || !rules || optind == argc) {
		fprintf(stderr, "usage: find-users --hints | --names | --list | --scan --rules FILE ROOT PATCH...\n");
		return EX_USAGE;
	}
	changes_read(&c, argv[optind], argv + optind + 1, argc - optind - 1);
	changes_add_rules(&c, rules, argv + optind + 1, argc - optind - 1);
	if (mode == 's') {
		scan_all(&c);
		return nr_found ? EX_FAIL : EX_PASS;
	}
	for (i = 0; i < c.nr; i++) {
		if (mode == 'l') {
			list(&c.change[i]);
			continue;
		}
		/* Whoever includes a header of KVM says so, or says struct kvm. */
		word = mode == 'h' && strstr(c.change[i].header, "kvm") ? xstrdup("kvm") :
			word_for(&c.change[i]);
		puts(word);
		free(word);
	}
	return EX_PASS;
}
