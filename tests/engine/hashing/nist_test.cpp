// Vectors of NIST's Cryptographic Algorithm Validation Program for SHA-256: SHA256ShortMsg.rsp, SHA256LongMsg.rsp and
// SHA256Monte.rsp of shabytetestvectors.zip (a selection).

#include <weir/hasher.hpp>
#include <weir/multi_hasher.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace {

using weir::hash_algorithm;

struct vector {
    std::string_view message, digest;
};

constexpr vector vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"d3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    {"b4190e", "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
    {"3334c58075d3f4139e", "078da3d77ed43bd3037a433fd0341855023793f9afd08b4b08ea1e5597ceef20"},
    {"09fc1accc230a205e4a208e64a8f204291f581a12756392da4b8c0cf5ef02b95",
     "4f44c1c7fbebb6f9601829f3897bfd650c56fa07844be76489076356ac1886a4"},
    {"3ebfb06db8c38d5ba037f1363e118550aad94606e26835a01af05078533cc25f2f39573c04b632f62f68c294ab31f2a3e2a1a0d8c2be51",
     "6595a2ef537a69ba8583dfbf7f5bec0ab1f93ce4c8ee1916eff44a93af5749c4"},
    {"2d52447d1244d2ebc28650e7b05654bad35b3a68eedc7f8515306b496d75f3e73385dd1b002625024b81a02f2fd6dffb6e6d561cb7d0bd7a",
     "cfb88d6faf2de3a69d36195acec2e255e2af2b7d933997f348e09f6ce5758360"},
    {"e2f76e97606a872e317439f1a03fcd92e632e5bd4e7cbc4e97f1afc19a16fde92d77cbe546416b51640cddb92af996534dfd81edb17c4424c"
     "f1a"
     "c4d75aceeb",
     "18041bd4665083001fba8c5411d2d748e8abbfdcdfd9218cb02b68a78e7d4c23"},
    {"5a86b737eaea8ee976a0a24da63e7ed7eefad18a101c1211e2b3650c5187c2a8a650547208251f6d4237e661c7bf4c77f335390394c37fa1a"
     "9f9"
     "be836ac28509",
     "42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa"},
    {"451101250ec6f26652249d59dc974b7361d571a8101cdfd36aba3b5854d3ae086b5fdd4597721b66e3c0dc5d8c606d9657d0e323283a5217d"
     "1f5"
     "3f2f284f57b85c8a61ac8924711f895c5ed90ef17745ed2d728abd22a5f7a13479a462d71b56c19a74a40b655c58edfe0a188ad2cf46cbf30"
     "524"
     "f65d423c837dd1ff2bf462ac4198007345bb44dbb7b1c861298cdf61982a833afc728fae1eda2f87aa2c9480858bec",
     "3c593aa539fdcdae516cdf2f15000f6634185c88f505b39775fb9ab137a10aa2"},
};

std::vector<std::byte> bytes_of(std::string_view hex)
{
    std::vector<std::byte> bytes;
    for (; !hex.empty(); hex.remove_prefix(2))
        bytes.push_back(weir::digest::from_hex(hex.substr(0, 2)).value().span()[0]);
    return bytes;
}

TEST_CASE("NIST: the short and long messages of SHA-256, one by one and in a batch, on every level")
{
    std::vector<std::vector<std::byte>> messages;
    std::vector<weir::slice> slices;
    for (const vector& each : vectors) {
        messages.push_back(bytes_of(each.message));
        slices.push_back(weir::slice::adopt(messages.back(), nullptr));
        CHECK(weir::digest_of(hash_algorithm::sha256, messages.back()).to_hex() == each.digest);
    }
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        std::vector<weir::digest> digests(slices.size());
        std::vector<weir::multi_hasher::message> batch;
        for (std::size_t i = 0; i < slices.size(); ++i)
            batch.push_back({{&slices[i], 1}, slices[i].size(), &digests[i]});
        weir::multi_hasher hasher(hash_algorithm::sha256, level);
        hasher.start(batch);
        CHECK(hasher.run(std::size_t(-1)));
        for (std::size_t i = 0; i < slices.size(); ++i)
            CHECK(digests[i].to_hex() == vectors[i].digest);
    }
}

/// One chain of the Monte Carlo test: each digest comes from the three before it.
struct chain {
    std::array<std::byte, 96> message;
    weir::slice slice = weir::slice::adopt(message, nullptr);
    weir::digest digest;

    void begin(const weir::digest& seed)
    {
        for (std::size_t i = 0; i < 3; ++i)
            std::ranges::copy(seed.span(), message.begin() + 32 * i);
    }
    void shift()
    {
        std::copy(message.begin() + 32, message.end(), message.begin());
        std::ranges::copy(digest.span(), message.begin() + 64);
    }
};

TEST_CASE("NIST: sixteen Monte Carlo chains of SHA-256 side by side reach the tenth checkpoint, on every level")
{
    const auto seed =
        weir::digest::from_hex("6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691").value();
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        std::array<chain, 16> chains;
        std::vector<weir::multi_hasher::message> batch;
        for (chain& each : chains) {
            each.digest = seed;
            batch.push_back({{&each.slice, 1}, each.slice.size(), &each.digest});
        }
        weir::multi_hasher hasher(hash_algorithm::sha256, level);
        for (int step = 0; step < 10'000; ++step) {
            for (chain& each : chains)
                step % 1000 == 0 ? each.begin(each.digest) : each.shift();
            hasher.start(batch);
            while (!hasher.run(std::size_t(-1)))
                ;
        }
        for (const chain& each : chains)
            CHECK(each.digest.to_hex() == "72361401c670d07f1151a95e2ee914665c2bdb1228581833c7dc53b89c01c927");
    }
}

} // namespace
