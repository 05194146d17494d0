#include "stream.hpp"

#include <weir/error.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <new>

namespace weir::hashing {
namespace {

[[noreturn]] void throw_openssl_error(const char* operation, std::string_view subject)
{
    char reason[256];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    ERR_clear_error();
    throw error(errc::backend_unavailable, operation, subject, std::nullopt, reason);
}

/// Frees the description with the process.
class openssl_algorithm {
public:
    explicit openssl_algorithm(const char* name) : value_(EVP_MD_fetch(nullptr, name, nullptr))
    {
        if (!value_)
            throw_openssl_error("fetch", name);
    }
    openssl_algorithm(const openssl_algorithm&) = delete;
    openssl_algorithm& operator=(const openssl_algorithm&) = delete;
    ~openssl_algorithm() { EVP_MD_free(value_); }

    const EVP_MD* get() const noexcept { return value_; }

private:
    EVP_MD* value_;
};

const EVP_MD* sha256()
{
    static const openssl_algorithm algorithm("SHA2-256");
    return algorithm.get();
}

const EVP_MD* sha512_256()
{
    static const openssl_algorithm algorithm("SHA2-512/256");
    return algorithm.get();
}

class openssl_stream final : public hasher::stream {
public:
    explicit openssl_stream(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new())
    {
        if (!context_)
            throw std::bad_alloc();
        if (!EVP_DigestInit_ex2(context_.get(), algorithm, nullptr))
            throw_openssl_error("start", EVP_MD_get0_name(algorithm));
    }

    void reset() override { expect(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr)); }

    void update(std::span<const std::byte> piece) override
    {
        expect(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()));
    }

    digest finish() override
    {
        unsigned char bytes[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        expect(EVP_DigestFinal_ex(context_.get(), bytes, &size));
        return digest(std::as_bytes(std::span(bytes, size)));
    }

private:
    // A started digest fails only by a fault of its provider (a module in error state).
    static void expect(int outcome)
    {
        if (!outcome)
            throw_openssl_error("digest", {});
    }

    struct free_context {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

class xxh3_stream final : public hasher::stream {
public:
    xxh3_stream() : state_(XXH3_createState())
    {
        if (!state_)
            throw std::bad_alloc();
        XXH3_128bits_reset(state_.get());
    }

    void reset() override { XXH3_128bits_reset(state_.get()); }
    void update(std::span<const std::byte> piece) override
    {
        if (!piece.empty()) // null is an error there, even of no bytes
            XXH3_128bits_update(state_.get(), piece.data(), piece.size());
    }

    digest finish() override
    {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
        return digest(std::as_bytes(std::span(canonical.digest)));
    }

private:
    struct free_state {
        void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
    };
    std::unique_ptr<XXH3_state_t, free_state> state_;
};

} // namespace

std::unique_ptr<hasher::stream> make_stream(hash_algorithm algorithm)
{
    switch (algorithm) {
    case hash_algorithm::sha256: return std::make_unique<openssl_stream>(sha256());
    case hash_algorithm::sha512_256: return std::make_unique<openssl_stream>(sha512_256());
    case hash_algorithm::xxh3_128: return std::make_unique<xxh3_stream>();
    }
    throw error(errc::bad_configuration, "digest", "hash algorithm", std::nullopt, "unknown value");
}

} // namespace weir::hashing
