// SPDX-License-Identifier: GPL-2.0
/*
 * ctokens.c - C source as tokens, and which of its lines an architecture builds.
 */
#include "csource.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* " * text": within a comment that began before the excerpt. */
static bool continues_comment(const char *s)
{
	s += strspn(s, " \t");
	return *s == '*' && (!s[1] || strchr(" \t\n/", s[1]));
}

static char *blank_to(char *s, const char *end)
{
	for (; s < end; s++)
		if (*s != '\n')
			*s = ' ';
	return s;
}

/* Behind the literal that begins at s; an open one ends with its line. */
static char *literal_end(char *s)
{
	char quote = *s++;

	for (; *s && *s != quote && *s != '\n'; s++)
		if (*s == '\\' && s[1])
			s++;
	return *s == quote ? s + 1 : s;
}

void blank_comments(char *s, bool excerpt)
{
	char *end, *begin;

	if (excerpt) {
		end = strstr(s, "*/");
		begin = strstr(s, "/*");
		if (end && (!begin || end < begin))
			s = blank_to(s, end + 2);
		while (*s && continues_comment(s)) {
			s = blank_to(s, s + strcspn(s, "\n"));
			s += *s == '\n';
		}
	}
	while (*s) {
		if (s[0] == '/' && s[1] == '*') {
			end = strstr(s + 2, "*/");
			s = blank_to(s, end ? end + 2 : s + strlen(s));
		} else if (s[0] == '/' && s[1] == '/') {
			s = blank_to(s, s + strcspn(s, "\n"));
		} else if (*s == '"' || *s == '\'') {
			s = blank_to(s, literal_end(s));
		} else {
			s++;
		}
	}
}

void tokens_read(struct tokens *t, const char *s)
{
	size_t line = 1, size = 0;
	bool first = true;
	const char *begin = s;
	struct token *k;

	memset(t, 0, sizeof(*t));
	while (*s) {
		if (*s == '\n') {
			line++;
			first = true;
			s++;
			continue;
		}
		if (*s == '\\' && s[1 + strspn(s + 1, " \t\r")] == '\n') {
			s += 2 + strspn(s + 1, " \t\r");
			line++;
			continue;
		}
		if (isspace((unsigned char)*s)) {
			s++;
			continue;
		}
		t->token = grow(t->token, t->nr, &size, sizeof(*t->token));
		k = &t->token[t->nr++];
		k->s = s;
		k->line = line;
		k->first = first;
		k->unindented = s == begin || s[-1] == '\n';
		first = false;
		if (isalnum((unsigned char)*s) || *s == '_')
			while (isalnum((unsigned char)*s) || *s == '_')
				s++;
		else if (s[0] == '-' && s[1] == '>')
			s += 2;
		else
			s++;
		k->len = s - k->s;
	}
}

void tokens_free(struct tokens *t)
{
	free(t->token);
	memset(t, 0, sizeof(*t));
}

bool token_is(const struct token *t, const char *word)
{
	return t->len == strlen(word) && !memcmp(t->s, word, t->len);
}

bool token_is_name(const struct token *t)
{
	return isalpha((unsigned char)*t->s) || *t->s == '_';
}

char *token_string(const struct token *t)
{
	return xasprintf("%.*s", (int)t->len, t->s);
}

/*
 * What only one architecture defines. Its name as prefix: CONFIG_X86_64 is of
 * x86. 32-bit x86 has no TDP MMU, and no user of KVM is built for it alone.
 */
static const struct { const char *arch, *symbol; } arch_symbol[] = {
	{ "x86", "CONFIG_X86" }, { "x86", "__x86_64__" }, { "arm64", "CONFIG_ARM64" },
	{ "arm64", "__aarch64__" }, { "arm", "CONFIG_ARM" }, { "mips", "CONFIG_MIPS" },
	{ "powerpc", "CONFIG_PPC" }, { "powerpc", "__powerpc__" }, { "s390", "CONFIG_S390" },
	{ "riscv", "CONFIG_RISCV" }, { "loongarch", "CONFIG_LOONGARCH" },
	{ "sw_64", "CONFIG_SW64" }, { "ia64", "CONFIG_IA64" }, { "sparc", "CONFIG_SPARC" },
};

struct value {
	bool known;
	long n;
};

struct expr {
	const struct token *at, *end;
	const char *arch, *defined;
};

static const struct value unknown = { false, 0 };

static struct value known(long n)
{
	return (struct value){ true, n };
}

static struct value is_defined(const struct expr *e, const struct token *t)
{
	char *name = token_string(t);
	struct value v = unknown;
	size_t i, len, best = 0;

	if (word_index(e->defined, name) >= 0)
		v = known(1);
	else if (e->arch && !strcmp(name, "CONFIG_X86_32"))
		v = known(0);
	else if (e->arch)
		for (i = 0; i < sizeof(arch_symbol) / sizeof(arch_symbol[0]); i++) {
			len = strlen(arch_symbol[i].symbol);
			if (len <= best || !starts_with(name, arch_symbol[i].symbol) ||
			    (name[len] && name[len] != '_' && !isdigit((unsigned char)name[len])))
				continue;
			best = len;
			if (strcmp(e->arch, arch_symbol[i].arch))
				v = known(0);
			else
				v = !name[len] || !strcmp(name, "CONFIG_X86_64") ? known(1) : unknown;
		}
	free(name);
	return v;
}

static bool take(struct expr *e, const char *s)
{
	size_t i, len = strlen(s);

	if ((size_t)(e->end - e->at) < len)
		return false;
	for (i = 0; i < len; i++)
		if (e->at[i].len != 1 || *e->at[i].s != s[i] || (i && e->at[i].s != e->at[0].s + i))
			return false;
	e->at += len;
	return true;
}

static struct value either(struct expr *e);

/* Behind a name: the arguments, which are passed over. */
static void skip_arguments(struct expr *e)
{
	int depth = 0;

	if (e->at == e->end || !token_is(e->at, "("))
		return;
	for (; e->at < e->end; e->at++) {
		depth += token_is(e->at, "(");
		depth -= token_is(e->at, ")");
		if (!depth) {
			e->at++;
			return;
		}
	}
}

static struct value kernel_version(struct expr *e)
{
	long v = 0, i;

	if (!take(e, "("))
		return unknown;
	for (i = 0; i < 3 && e->at < e->end; i++, e->at++) {
		v = v * 256 + strtol(e->at->s, NULL, 0);
		if (i < 2 && (++e->at == e->end || !token_is(e->at, ",")))
			return unknown;
	}
	return take(e, ")") ? known(v) : unknown;
}

static struct value primary(struct expr *e)
{
	const struct token *t = e->at;
	struct value v;
	bool paren;

	if (take(e, "!")) {
		v = primary(e);
		return v.known ? known(!v.n) : v;
	}
	if (take(e, "(")) {
		v = either(e);
		return take(e, ")") ? v : unknown;
	}
	if (t >= e->end)
		return unknown;
	e->at++;
	if (isdigit((unsigned char)*t->s))
		return known(strtol(t->s, NULL, 0));
	if (token_is(t, "defined") || token_is(t, "IS_ENABLED")) {
		paren = take(e, "(");
		if (e->at == e->end)
			return unknown;
		v = is_defined(e, e->at++);
		return paren && !take(e, ")") ? unknown : v;
	}
	if (token_is(t, "LINUX_VERSION_CODE"))
		return known(5 * 65536 + 10 * 256);
	if (token_is(t, "KERNEL_VERSION"))
		return kernel_version(e);
	skip_arguments(e);
	return unknown;
}

static struct value compared(struct expr *e)
{
	static const char * const op[] = { "==", "!=", "<=", ">=", "<", ">" };
	struct value a = primary(e), b;
	size_t i;

	for (i = 0; i < 6; i++) {
		if (!take(e, op[i]))
			continue;
		b = primary(e);
		if (!a.known || !b.known)
			return unknown;
		return known(i == 0 ? a.n == b.n : i == 1 ? a.n != b.n : i == 2 ? a.n <= b.n :
			     i == 3 ? a.n >= b.n : i == 4 ? a.n < b.n : a.n > b.n);
	}
	return a;
}

static struct value both(struct expr *e)
{
	struct value a = compared(e), b;

	while (take(e, "&&")) {
		b = compared(e);
		if ((a.known && !a.n) || (b.known && !b.n))
			a = known(0);
		else
			a = a.known && b.known ? known(1) : unknown;
	}
	return a;
}

static struct value either(struct expr *e)
{
	struct value a = both(e), b;

	while (take(e, "||")) {
		b = both(e);
		if ((a.known && a.n) || (b.known && b.n))
			a = known(1);
		else
			a = a.known && b.known ? known(0) : unknown;
	}
	return a;
}

/* The condition of the directive whose word is t[0] and which ends at end. */
static struct value condition(const struct token *t, const struct token *end,
			      const char *arch, const char *defined)
{
	struct expr e = { t + 1, end, arch, defined };
	struct value v;

	if (t + 1 == end)
		return unknown;
	if (token_is(t, "ifdef"))
		return is_defined(&e, t + 1);
	if (token_is(t, "ifndef")) {
		v = is_defined(&e, t + 1);
		return v.known ? known(!v.n) : v;
	}
	v = either(&e);
	return e.at == end ? v : unknown;
}

#define MAX_IFS 64

void lines_built(bool *built, size_t nr, const struct tokens *t, const char *arch,
		 const char *defined)
{
	struct { bool outer, taken; } level[MAX_IFS];
	size_t i, j, line = 1, depth = 0, over = 0;
	const struct token *word;
	bool now = true;
	struct value v;

	for (i = 0; i < t->nr; i = j) {
		for (j = i + 1; j < t->nr && !t->token[j].first; j++)
			;
		for (; line < t->token[i].line && line <= nr; line++)
			built[line - 1] = now;
		if (!token_is(&t->token[i], "#") || i + 1 == j)
			continue;
		word = &t->token[i + 1];
		if (starts_with(word->s, "if")) {
			if (depth == MAX_IFS) {
				over++;
				continue;
			}
			v = condition(word, t->token + j, arch, defined);
			level[depth].outer = now;
			level[depth].taken = v.known && v.n;
			now = now && (!v.known || v.n);
			depth++;
		} else if (token_is(word, "endif")) {
			if (over)
				over--;
			else if (depth)
				now = level[--depth].outer;
		} else if (depth && !over && (token_is(word, "else") || token_is(word, "elif"))) {
			v = token_is(word, "else") ? unknown :
				condition(word, t->token + j, arch, defined);
			now = level[depth - 1].outer && !level[depth - 1].taken && (!v.known || v.n);
			level[depth - 1].taken |= v.known && v.n;
		}
	}
	for (; line <= nr; line++)
		built[line - 1] = now;
}
