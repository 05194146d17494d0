#include "tls.hpp"

#include <weir/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <new>

namespace weir::testing::detail {
namespace {

[[noreturn]] void refuse(std::string_view subject)
{
    std::array<char, 256> reason{};
    ::ERR_error_string_n(::ERR_get_error(), reason.data(), reason.size());
    ::ERR_clear_error();
    throw error(errc::tls_failed, "use", subject, std::nullopt, reason.data());
}

} // namespace

tls_identity::tls_identity(const std::string& certificate_file, const std::string& key_file)
    : context_(::SSL_CTX_new(::TLS_server_method()))
{
    if (!context_)
        throw std::bad_alloc();
    // A peer that just closes is no fault of an origin's.
    ::SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const bool certified = ::SSL_CTX_use_certificate_chain_file(context_, certificate_file.c_str()) == 1;
    if (certified && ::SSL_CTX_use_PrivateKey_file(context_, key_file.c_str(), SSL_FILETYPE_PEM) == 1)
        return;
    ::SSL_CTX_free(context_);
    refuse(certified ? key_file : certificate_file);
}

tls_identity::~tls_identity() { ::SSL_CTX_free(context_); }

tls_session::tls_session(const tls_identity& identity, int socket) : session_(::SSL_new(identity.get()))
{
    if (!session_ || ::SSL_set_fd(session_, socket) != 1) {
        ::SSL_free(session_);
        throw std::bad_alloc();
    }
    ::SSL_set_accept_state(session_);
}

tls_session::~tls_session() { ::SSL_free(session_); }

transfer tls_session::read(std::span<char> into) noexcept
{
    const std::lock_guard lock(mutex_);
    ::ERR_clear_error();
    std::size_t count = 0;
    const int result = ::SSL_read_ex(session_, into.data(), into.size(), &count);
    return outcome_of(result, count);
}

transfer tls_session::write(std::string_view bytes) noexcept
{
    const std::lock_guard lock(mutex_);
    ::ERR_clear_error();
    std::size_t count = 0;
    const int result = ::SSL_write_ex(session_, bytes.data(), bytes.size(), &count);
    return outcome_of(result, count);
}

void tls_session::say_end() noexcept
{
    const std::lock_guard lock(mutex_);
    ::ERR_clear_error();
    static_cast<void>(::SSL_shutdown(session_)); // what a peer that is gone does not hear is no loss
    ::ERR_clear_error();
}

std::string tls_session::server_name() const
{
    const std::lock_guard lock(mutex_);
    const char* const name = ::SSL_get_servername(session_, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}

bool tls_session::is_resumed() const noexcept
{
    const std::lock_guard lock(mutex_);
    return ::SSL_session_reused(session_) == 1;
}

transfer tls_session::outcome_of(int result, std::size_t bytes) const noexcept
{
    if (result == 1)
        return {transfer::outcome::done, bytes};
    switch (::SSL_get_error(session_, result)) {
    case SSL_ERROR_ZERO_RETURN: return {transfer::outcome::done, 0};
    case SSL_ERROR_WANT_READ: return {transfer::outcome::wants_read, 0};
    case SSL_ERROR_WANT_WRITE: return {transfer::outcome::wants_write, 0};
    default: return {transfer::outcome::broken, 0};
    }
}

} // namespace weir::testing::detail
