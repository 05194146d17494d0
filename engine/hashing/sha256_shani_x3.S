// SHA-256 of three messages interleaved, by the SHA instructions of x86-64, for the System V ABI and ELF.
//
//   void weir_sha256_shani_x3(sha256_lane* const* lanes, std::size_t blocks, const std::uint32_t* constants);
//
// It does what sha256_shani.cpp does for three lanes, in an order that the compiler does not keep: from the same
// sequence of intrinsics gcc 12 makes 18.9 to 19.7 ns a block on Zen 3, this takes 16.8.
//
// A block has 16 steps of four rounds. A step has a slot for each lane: slot k is step k / 3 of lane k % 3. The second
// rnds2 of a slot waits for the first, and the lane's next slot for both. So a slot holds work of its neighbours as well,
// in this order, which was found by trial on Zen 3:
//
//   msg1, palignr   of slot k+4    begin the four words of the schedule that it will use
//   msg2            of slot k+3    finish them, one slot after their sum, three slots before they are used
//   second rnds2    of slot k-1    its input is ready by now
//   store           of slot k+3    the words into the ring
//   add constants   of slot k
//   add             of slot k+4    what msg1 and palignr gave
//   first rnds2     of slot k
//   pshufd          of slot k      the input of its second rnds2, again in xmm0
//
// The schedule needs a lane's last 16 words, more than three lanes have registers for. They are in a ring on the stack,
// and msg1 and palignr read the older ones from there. Only the newest words stay in a register too: those of slots k to
// k+4, by turns.
//
//   rdi    lanes         rsi    blocks left     rdx  constants     r8 to r10  data of lanes 0 to 2     rax  scratch
//   xmm0   the input of rnds2: words + constants
//   xmm1 to xmm6         the state of each lane, as (f e b a) and (h g d c)
//   xmm7 to xmm11        the newest words
//   xmm12  palignr's result
//
// A function need not preserve any of them.

#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR
#endif

// Registers of a slot, by number for a macro's argument: %() computes it, and the macro puts %r or %xmm before it.
.altmacro
#define DATA(slot) %(8 + ((slot) + 3) % 3)
#define ABEF(slot) %(1 + 2 * (((slot) + 3) % 3))
#define CDGH(slot) %(2 + 2 * (((slot) + 3) % 3))
#define WORDS(slot) %(7 + ((slot) + 5) % 5)

// The frame: the ring, four times four words for each lane, and the states before the block. The call has pushed eight
// bytes, with eight more the frame is aligned for operands in memory.
#define RING(slot, age) (64 * ((slot) % 3) + 16 * (((slot) / 3 + (age)) % 4))(%rsp) // age 0: the oldest four, or the new
#define BEFORE(lane, half) (192 + 32 * (lane) + 16 * (half))(%rsp)
#define FRAME (192 + 96 + 8)

#define LANE_DATA 32 // offset of sha256_lane::data

#define EXISTS(slot) (((slot) >= 0) && ((slot) < 48))
#define IN_MESSAGE(slot) ((slot) < 12) // the first four steps take their words as they are

.macro begin_words slot, words, newest, data
    .if EXISTS(\slot)
    .if IN_MESSAGE(\slot)
        movdqu      (16 * ((\slot) / 3))(%r\data), %xmm\words
        pshufb      big_endian(%rip), %xmm\words
    .else
        movdqa      RING(\slot, 0), %xmm\words
        sha256msg1  RING(\slot, 1), %xmm\words
        movdqa      %xmm\newest, %xmm12
        palignr     $4, RING(\slot, 2), %xmm12
    .endif
    .endif
.endm

.macro add_words slot, words
    .if EXISTS(\slot) && !IN_MESSAGE(\slot)
        paddd       %xmm12, %xmm\words
    .endif
.endm

.macro finish_words slot, words, newest
    .if EXISTS(\slot) && !IN_MESSAGE(\slot)
        sha256msg2  %xmm\newest, %xmm\words
    .endif
.endm

.macro store_words slot, words
    .if EXISTS(\slot) && ((\slot) < 42) // what the last two steps use is never read again
        movdqa      %xmm\words, RING(\slot, 0)
    .endif
.endm

.macro add_constants slot, words
    .if EXISTS(\slot)
        movdqa      (16 * ((\slot) / 3))(%rdx), %xmm0
        paddd       %xmm\words, %xmm0
    .endif
.endm

.macro first_rounds slot, abef, cdgh
    .if EXISTS(\slot)
        sha256rnds2 %xmm0, %xmm\abef, %xmm\cdgh
        pshufd      $0x0e, %xmm0, %xmm0
    .endif
.endm

.macro second_rounds slot, abef, cdgh
    .if EXISTS(\slot)
        sha256rnds2 %xmm0, %xmm\cdgh, %xmm\abef
    .endif
.endm

.macro work_slot k
        begin_words %(\k + 4), WORDS(\k + 4), WORDS(\k + 1), DATA(\k + 4)
        finish_words %(\k + 3), WORDS(\k + 3), WORDS(\k)
        second_rounds %(\k - 1), ABEF(\k - 1), CDGH(\k - 1)
        store_words %(\k + 3), WORDS(\k + 3)
        add_constants \k, WORDS(\k)
        add_words   %(\k + 4), WORDS(\k + 4)
        first_rounds \k, ABEF(\k), CDGH(\k)
.endm

.macro work_block
    .set current, -4 // the first slots' words begin that early
    .rept 4 + 48 + 1
        work_slot   %current
        .set current, current + 1
    .endr
.endm

.macro load_lane lane, data, abef, cdgh
        movq        (8 * \lane)(%rdi), %rax
        movq        LANE_DATA(%rax), %r\data
        movdqu      (%rax), %xmm\abef
        movdqu      16(%rax), %xmm\cdgh
        pshufd      $0xb1, %xmm\abef, %xmm\abef
        pshufd      $0x1b, %xmm\cdgh, %xmm\cdgh
        movdqa      %xmm\abef, %xmm0
        palignr     $8, %xmm\cdgh, %xmm0
        pblendw     $0xf0, %xmm\abef, %xmm\cdgh
        movdqa      %xmm0, %xmm\abef
.endm

.macro store_lane lane, data, abef, cdgh
        movq        (8 * \lane)(%rdi), %rax
        movq        %r\data, LANE_DATA(%rax)
        pshufd      $0x1b, %xmm\abef, %xmm\abef
        pshufd      $0xb1, %xmm\cdgh, %xmm\cdgh
        movdqa      %xmm\abef, %xmm0
        pblendw     $0xf0, %xmm\cdgh, %xmm0
        palignr     $8, %xmm\abef, %xmm\cdgh
        movdqu      %xmm0, (%rax)
        movdqu      %xmm\cdgh, 16(%rax)
.endm

.macro keep_state lane, abef, cdgh
        movdqa      %xmm\abef, BEFORE(\lane, 0)
        movdqa      %xmm\cdgh, BEFORE(\lane, 1)
.endm

.macro add_state lane, data, abef, cdgh
        paddd       BEFORE(\lane, 0), %xmm\abef
        paddd       BEFORE(\lane, 1), %xmm\cdgh
        addq        $64, %r\data
.endm

        .text
        .p2align 4
        .globl      weir_sha256_shani_x3
        .hidden     weir_sha256_shani_x3
        .type       weir_sha256_shani_x3, @function
weir_sha256_shani_x3:
        .cfi_startproc
        _CET_ENDBR
        testq       %rsi, %rsi
        jz          2f
        subq        $FRAME, %rsp
        .cfi_adjust_cfa_offset FRAME
    .irp lane, 0, 1, 2
        load_lane   \lane, DATA(\lane), ABEF(\lane), CDGH(\lane)
    .endr
        .p2align 6
1:
    .irp lane, 0, 1, 2
        keep_state  \lane, ABEF(\lane), CDGH(\lane)
    .endr
        work_block
    .irp lane, 0, 1, 2
        add_state   \lane, DATA(\lane), ABEF(\lane), CDGH(\lane)
    .endr
        decq        %rsi
        jnz         1b
    .irp lane, 0, 1, 2
        store_lane  \lane, DATA(\lane), ABEF(\lane), CDGH(\lane)
    .endr
        addq        $FRAME, %rsp
        .cfi_adjust_cfa_offset -FRAME
2:
        ret
        .cfi_endproc
        .size       weir_sha256_shani_x3, . - weir_sha256_shani_x3

        .section    .rodata.cst16, "aM", @progbits, 16
        .p2align 4
big_endian: // pshufb's mask to swap the bytes of each word
        .quad       0x0405060700010203, 0x0c0d0e0f08090a0b

        .section    .note.GNU-stack, "", @progbits
