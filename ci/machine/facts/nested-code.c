// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nested-code.c - what L1 and L2 execute, to be copied: see facts/nested.h.
 *
 * L1: R8 is where its VMCB is, R9 its base, R10 the bits of the root that change, R11 the
 * rounds. L2, in real mode: EBX is the address of cell EDI, EBP the generation, EDX its
 * word, ESI the rounds to go; its CS and ES begin at its base, all else at 0. Memory that
 * is not there it does not write to.
 */
#include "nested.h"

#define STR(x)		#x
#define XSTR(x)		STR(x)

/* Numbers that the assembler knows by no name. */
_Static_assert(SVM_EXIT_VMMCALL == 0x81 && VM_NOWHERE == 0x77 && SVM_SAVE - SVM_VMCB == 0x400, "");

__asm__(
	".pushsection .rodata\n"
	".globl l1_begin, l1_end, l2_begin, l2_end\n"
	".globl l2_read, l2_have_read, l2_write, l2_have_written\n"
	"l1_begin:\n"
	"1:	movl %r11d, %esi\n"
	"	movq %r8, %rax\n"
	"	vmrun %rax\n"
	"	cmpq $0x81, 0x70(%r8)\n"		/* VMMCALL: */
	"	jne 2f\n"
	"	addq $3, 0x578(%r8)\n"			/* RIP */
	"	movb $1, 0x5c(%r8)\n"			/* TLB_CONTROL: flush all */
	"	movq 0xb0(%r8), %rcx\n"
	"	leaq 0x1000(%rcx), %r12\n"
	"	xorq %rcx, %r12\n"
	"	andq %r10, %r12\n"
	"	xorq %r12, 0xb0(%r8)\n"			/* the next root */
	"	movl " XSTR(FLAG) ", %ecx\n"
	"	movl %ecx, " XSTR(SEEN_FLAG) "(%r9)\n"
	"	cmpl $-1, %ecx\n"
	"	jne 1b\n"
	"2:	outb %al, $" XSTR(VM_PORT) "\n"
	"	jmp 1b\n"
	"l1_end:\n"
	"	.code16\n"
	"l2_begin:\n"
	"1:	movl " XSTR(ADDRESSES) "(, %edi, 4), %ebx\n"
	"2:	movl " XSTR(GENERATION) ", %ebp\n"
	"	testl $1, %ebp\n"
	"	jnz 2b\n"
	"l2_read:\n"
	"	movl (%ebx), %eax\n"
	"l2_have_read:\n"
	"	cmpl " XSTR(TAGS) "(, %edi, 8), %eax\n"
	"	je 3f\n"
	"	cmpl " XSTR(TAGS) " + 4(, %edi, 8), %eax\n"
	"	je 3f\n"
	"	cmpl " XSTR(GENERATION) ", %ebp\n"
	"	jne 2b\n"
	"	hlt\n"
	"3:	cmpl $0x77, %eax\n"
	"	je l2_have_written\n"
	"	movl %es:" XSTR(ROUNDS) ", %ecx\n"
	"l2_write:\n"
	"	movl %ecx, 8(%ebx, %edx)\n"
	"l2_have_written:\n"
	"	incl %edi\n"
	"	cmpl " XSTR(CELLS) ", %edi\n"
	"	jb 1b\n"
	"	xorl %edi, %edi\n"
	"	incl %es:" XSTR(ROUNDS) "\n"
	"	movl " XSTR(FLAG) ", %ecx\n"
	"	cmpl %es:" XSTR(SEEN_FLAG) ", %ecx\n"
	"	jne 4f\n"
	"	decl %esi\n"
	"	jnz 1b\n"
	"4:	vmmcall\n"
	"	jmp 1b\n"
	"l2_end:\n"
	"	.code64\n"
	"	.popsection\n");
