/* SPDX-License-Identifier: GPL-2.0 */
/* The WARNs of the tree's code, told and noted, and its RCU sections: in one file of a test. */
int unit_rcu_depth;
static bool warned;

bool unit_warn(bool bad, const char *what)
{
	if (bad) {
		printf("# warning: %s\n", what);
		warned = true;
	}
	return bad;
}
