#include <weir/http/checksum.hpp>

#include "base/crc.hpp"

#include <weir/error.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <new>
#include <string>

namespace weir::http {

class checksum::computation {
public:
    computation() = default;
    computation(const computation&) = delete;
    computation& operator=(const computation&) = delete;
    virtual ~computation() = default;
    virtual void update(std::span<const std::byte> piece) = 0;
    virtual std::vector<std::byte> finish() = 0;
};

namespace {

template <class Word, Word Polynomial> class crc_computation final : public checksum::computation {
public:
    void update(std::span<const std::byte> piece) override { crc_.update(piece); }

    std::vector<std::byte> finish() override
    {
        const Word value = crc_.value();
        crc_.reset();
        std::vector<std::byte> out;
        for (int shift = 8 * sizeof(Word) - 8; shift >= 0; shift -= 8)
            out.push_back(static_cast<std::byte>(value >> shift));
        return out;
    }

private:
    crc<Word, Polynomial> crc_;
};

using crc32 = crc_computation<std::uint32_t, 0xedb88320>;
using crc32c = crc_computation<std::uint32_t, 0x82f63b78>;
using crc64nvme = crc_computation<std::uint64_t, 0x9a6c9329ac4bc9b5>;

/// The description of an algorithm, fetched once per process: a fetch takes a lock of OpenSSL's.
class description {
public:
    explicit description(const char* name) : value_(EVP_MD_fetch(nullptr, name, nullptr)) { ERR_clear_error(); }
    description(const description&) = delete;
    description& operator=(const description&) = delete;
    ~description() { EVP_MD_free(value_); }

    const EVP_MD* get() const noexcept { return value_; }

private:
    EVP_MD* value_;
};

const EVP_MD* description_of(checksum_algorithm algorithm)
{
    static const description md5("MD5"), sha1("SHA1"), sha256("SHA2-256"), sha512("SHA2-512");
    switch (algorithm) {
    case checksum_algorithm::md5: return md5.get();
    case checksum_algorithm::sha1: return sha1.get();
    case checksum_algorithm::sha256: return sha256.get();
    default: return sha512.get();
    }
}

class openssl_computation final : public checksum::computation {
public:
    explicit openssl_computation(checksum_algorithm algorithm)
        : description_(description_of(algorithm)), context_(EVP_MD_CTX_new())
    {
        if (!description_)
            throw error(errc::backend_unavailable, "fetch", to_string(algorithm));
        if (!context_)
            throw std::bad_alloc();
        expect(EVP_DigestInit_ex2(context_.get(), description_, nullptr));
    }

    void update(std::span<const std::byte> piece) override
    {
        expect(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()));
    }

    std::vector<std::byte> finish() override
    {
        std::vector<std::byte> out(static_cast<std::size_t>(EVP_MD_get_size(description_)));
        expect(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr));
        expect(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr));
        return out;
    }

private:
    // A started digest fails only by a fault of its provider (a module in error state).
    static void expect(int outcome)
    {
        if (!outcome)
            throw error(errc::backend_unavailable, "compute checksum");
    }

    struct free_context {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    const EVP_MD* description_;
    std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

std::unique_ptr<checksum::computation> make_computation(checksum_algorithm algorithm)
{
    switch (algorithm) {
    case checksum_algorithm::crc32: return std::make_unique<crc32>();
    case checksum_algorithm::crc32c: return std::make_unique<crc32c>();
    case checksum_algorithm::crc64nvme: return std::make_unique<crc64nvme>();
    default: return std::make_unique<openssl_computation>(algorithm);
    }
}

} // namespace

std::string_view to_string(checksum_algorithm algorithm) noexcept
{
    switch (algorithm) {
    case checksum_algorithm::crc32: return "crc32";
    case checksum_algorithm::crc32c: return "crc32c";
    case checksum_algorithm::crc64nvme: return "crc64nvme";
    case checksum_algorithm::md5: return "md5";
    case checksum_algorithm::sha1: return "sha1";
    case checksum_algorithm::sha256: return "sha256";
    case checksum_algorithm::sha512: return "sha512";
    }
    return "unknown";
}

std::size_t checksum_size(checksum_algorithm algorithm) noexcept
{
    switch (algorithm) {
    case checksum_algorithm::crc32:
    case checksum_algorithm::crc32c: return 4;
    case checksum_algorithm::crc64nvme: return 8;
    case checksum_algorithm::md5: return 16;
    case checksum_algorithm::sha1: return 20;
    case checksum_algorithm::sha256: return 32;
    case checksum_algorithm::sha512: return 64;
    }
    return 0;
}

checksum::checksum(checksum_algorithm algorithm) : computation_(make_computation(algorithm)) {}
checksum::checksum(checksum&&) noexcept = default;
checksum& checksum::operator=(checksum&&) noexcept = default;
checksum::~checksum() = default;

void checksum::update(std::span<const std::byte> piece) { computation_->update(piece); }
std::vector<std::byte> checksum::finish() { return computation_->finish(); }

} // namespace weir::http
