#pragma once
// Batches of messages for a multi_hasher, cut into slices at random.

#include "support/seed.hpp"

#include <weir/hasher.hpp>
#include <weir/multi_hasher.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace test {

using random_source = std::mt19937_64;

inline std::vector<std::byte> random_bytes(random_source& random, std::size_t size)
{
    std::vector<std::byte> bytes(size);
    for (std::byte& value : bytes)
        value = static_cast<std::byte>(random());
    return bytes;
}

/// Slices that have `bytes` in all: one, or many of random lengths, some of them empty.
inline std::vector<weir::slice> cut(std::span<const std::byte> bytes, random_source& random)
{
    const std::size_t longest = random() % 3 == 0 ? bytes.size() + 1 : 1 + random() % 300;
    std::vector<weir::slice> slices;
    while (!bytes.empty()) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), longest > 300 ? longest : random() % longest + 1);
        if (random() % 8 == 0)
            slices.emplace_back();
        slices.push_back(weir::slice::adopt(bytes.first(size), nullptr));
        bytes = bytes.subspan(size);
    }
    return slices;
}

/// Messages, where their digests go, and what these must be.
class batch {
public:
    /// `message` must outlive the batch.
    void add(std::span<const std::byte> message, std::vector<weir::slice> slices)
    {
        sizes_.push_back(message.size());
        whole_.push_back(message);
        slices_.push_back(std::move(slices));
    }

    /// Valid until the next `add`.
    std::span<const weir::multi_hasher::message> messages()
    {
        digests_.assign(sizes_.size(), {});
        messages_.clear();
        for (std::size_t i = 0; i < sizes_.size(); ++i)
            messages_.push_back({slices_[i], sizes_[i], &digests_[i]});
        return messages_;
    }

    void check(weir::hash_algorithm algorithm) const
    {
        weir::hasher reference(algorithm);
        for (std::size_t i = 0; i < sizes_.size(); ++i) {
            reference.update(whole_[i]);
            const weir::digest expected = reference.finish();
            if (digests_[i] != expected) // CHECK alone would cost more than the hashing
                FAIL_CHECK("message ", i, " of ", sizes_.size(), ", ", sizes_[i], " bytes, got ", digests_[i].to_hex());
        }
    }

private:
    std::vector<std::size_t> sizes_;
    std::vector<std::span<const std::byte>> whole_;
    std::vector<std::vector<weir::slice>> slices_;
    std::vector<weir::digest> digests_;
    std::vector<weir::multi_hasher::message> messages_;
};

/// Random lengths: some tiny, some around whole blocks, some of thousands of bytes.
inline std::size_t random_length(random_source& random)
{
    switch (random() % 4) {
    case 0: return random() % 130;
    case 1: return 64 * (random() % 20) + random() % 3;
    case 2: return 64 * (random() % 20) + 54 + random() % 4;
    default: return random() % 6000;
    }
}

/// Up to `most` messages out of `data`, at random places.
inline batch random_batch(std::span<const std::byte> data, std::size_t most, random_source& random)
{
    batch made;
    for (std::size_t count = random() % (most + 1); count > 0; --count) {
        const std::size_t size = random_length(random);
        const auto message = data.subspan(random() % (data.size() - size), size);
        made.add(message, cut(message, random));
    }
    return made;
}

} // namespace test
