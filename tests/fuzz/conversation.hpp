#pragma once
// What both sides of a connection have in common for a fuzzer: cuts do not change what comes out.

#include "input.hpp"

#include "support/conversation.hpp"

#include <random>
#include <string>
#include <utility>

namespace fuzz {

/// Reads the text whole and in pieces that the first byte decides. \returns  what came out
template <class Reader> auto converse(input& bytes, const std::string& method)
{
    std::mt19937_64 random(bytes.byte());
    const auto whole = test::conversation<Reader>(method).read(bytes.text(), test::cuts::none, random);
    require(whole == test::conversation<Reader>(method).read(bytes.text(), test::cuts::bytes, random));
    require(whole == test::conversation<Reader>(method).read(bytes.text(), test::cuts::random, random));
    for (const auto& message : whole.messages)
        require(message.trailer.size() <= 64);
    return whole;
}

} // namespace fuzz
