// A message whose state went from one object to another has the digest of a message in one piece.

#include "support/seed.hpp"

#include "hashing/resumable_sha256.hpp"

#include <weir/hasher.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <vector>

namespace {

TEST_CASE("resumable sha256: of any length, in any pieces, taken up anywhere, it is that of OpenSSL")
{
    auto random = test::generator(1);
    std::vector<std::byte> message(5000);
    for (std::byte& value : message)
        value = static_cast<std::byte>(random());
    for (std::size_t size = 0; size <= message.size(); size += size < 200 ? 1 : 1 + random() % 500) {
        CAPTURE(size);
        const std::span<const std::byte> all = std::span(message).first(size);
        weir::hashing::resumable_sha256 sum;
        for (std::span<const std::byte> rest = all; !rest.empty();) {
            const std::size_t count = std::min<std::size_t>(rest.size(), 1 + random() % (random() % 2 ? 20 : 300));
            sum.update(rest.first(count));
            rest = rest.subspan(count);
            sum = weir::hashing::resumable_sha256(weir::hashing::sha256_state(sum.state()));
        }
        CHECK(sum.state().size == size);
        CHECK(sum.value() == weir::digest_of(weir::hash_algorithm::sha256, all));
        CHECK(sum.value() == sum.value());
    }
}

} // namespace
