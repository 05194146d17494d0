#pragma once
// SHA-256 with one message in each 32-bit element of a vector: the words of all messages stand upright, side by side.
//
// `Words` gives the vector type and its instructions. It must be a type of the source that includes this, in its
// anonymous namespace, so that what is made here has that source's flags and never meets a copy of another's.
//
// Whole rows (eight words of one message) are loaded and turned by an 8 x 8 transposition in every 256 bits. A vector
// of 512 bits has the first eight messages in its lower and the others in its upper half.

#include "sha256_kernels.hpp"

namespace weir::hashing {

template <class Words> inline void transpose(typename Words::vector* rows)
{
    using vector = typename Words::vector;
    vector pairs[8], quads[8];
    for (unsigned i = 0; i < 4; ++i) {
        pairs[2 * i] = Words::interleave_low_32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = Words::interleave_high_32(rows[2 * i], rows[2 * i + 1]);
    }
    for (unsigned i = 0; i < 8; i += 4) {
        for (unsigned j = 0; j < 2; ++j) {
            quads[i + 2 * j] = Words::interleave_low_64(pairs[i + j], pairs[i + j + 2]);
            quads[i + 2 * j + 1] = Words::interleave_high_64(pairs[i + j], pairs[i + j + 2]);
        }
    }
    for (unsigned i = 0; i < 4; ++i) {
        rows[i] = Words::interleave_low_128(quads[i], quads[i + 4]);
        rows[i + 4] = Words::interleave_high_128(quads[i], quads[i + 4]);
    }
}

/// Sixty-four rounds over the words of one block of every message. `w` is used up.
template <class Words> inline void rounds(typename Words::vector* state, typename Words::vector* w)
{
    using vector = typename Words::vector;
    vector s[8];
    for (unsigned i = 0; i < 8; ++i)
        s[i] = state[i];
    for (unsigned base = 0; base < 64; base += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; ++t) {
            if (base != 0) {
                const vector early = w[(t + 1) % 16], late = w[(t + 14) % 16];
                const vector s0 = Words::xor3(Words::template rotate<7>(early), Words::template rotate<18>(early),
                                              Words::template shift<3>(early));
                const vector s1 = Words::xor3(Words::template rotate<17>(late), Words::template rotate<19>(late),
                                              Words::template shift<10>(late));
                w[t] = Words::add(Words::add(w[t], s0), Words::add(w[(t + 9) % 16], s1));
            }
            // The eight variables stay where they are; their names move by one each round.
            const vector a = s[(16 - t) % 8], b = s[(17 - t) % 8], c = s[(18 - t) % 8];
            const vector e = s[(20 - t) % 8], f = s[(21 - t) % 8], g = s[(22 - t) % 8];
            const vector sum1 =
                Words::xor3(Words::template rotate<6>(e), Words::template rotate<11>(e), Words::template rotate<25>(e));
            const vector input = Words::add(w[t], Words::broadcast(sha256_constants[base + t]));
            const vector t1 = Words::add(Words::add(s[(23 - t) % 8], input), Words::add(sum1, Words::choose(e, f, g)));
            const vector sum0 =
                Words::xor3(Words::template rotate<2>(a), Words::template rotate<13>(a), Words::template rotate<22>(a));
            s[(19 - t) % 8] = Words::add(s[(19 - t) % 8], t1);
            s[(23 - t) % 8] = Words::add(t1, Words::add(sum0, Words::majority(a, b, c)));
        }
    }
    for (unsigned i = 0; i < 8; ++i)
        state[i] = Words::add(state[i], s[i]);
}

template <class Words> inline void compress_vertical(sha256_lane* const* lanes, std::size_t blocks)
{
    using vector = typename Words::vector;
    const unsigned char* data[Words::lanes];
    vector state[8], w[16];
    for (unsigned i = 0; i < Words::lanes; ++i)
        data[i] = reinterpret_cast<const unsigned char*>(lanes[i]->state);
    for (unsigned i = 0; i < 8; ++i)
        state[i] = Words::load_row(data, i, 0);
    transpose<Words>(state);
    for (unsigned i = 0; i < Words::lanes; ++i)
        data[i] = lanes[i]->data;

    for (; blocks != 0; --blocks) {
        for (unsigned i = 0; i < 8; ++i) {
            w[i] = Words::from_big_endian(Words::load_row(data, i, 0));
            w[i + 8] = Words::from_big_endian(Words::load_row(data, i, 32));
        }
        transpose<Words>(w);
        transpose<Words>(w + 8);
        rounds<Words>(state, w);
        for (unsigned i = 0; i < Words::lanes; ++i)
            data[i] += sha256_block;
    }

    transpose<Words>(state);
    for (unsigned i = 0; i < 8; ++i)
        Words::store_row(lanes, i, state[i]);
    for (unsigned i = 0; i < Words::lanes; ++i)
        lanes[i]->data = data[i];
}

} // namespace weir::hashing
