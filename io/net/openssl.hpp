#pragma once
// OpenSSL's objects as values that free themselves, and its errors as text.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace weir::net::detail {

template <auto Free> struct openssl_free {
    template <class T> void operator()(T* object) const noexcept { Free(object); }
};
template <class T, auto Free> using openssl_ptr = std::unique_ptr<T, openssl_free<Free>>;

/// Why the last call on this thread failed, in OpenSSL's words; takes the errors out of its queue.
[[nodiscard]] std::string openssl_reason();

} // namespace weir::net::detail
