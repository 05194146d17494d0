#include "net/tls_engine.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

namespace weir::net::detail {

namespace asio = boost::asio;

namespace {

boost::system::error_code system_code(int number)
{
    return {number, boost::system::system_category()};
}

bool is_end(const tls_step& step) { return step.ended || step.failed; }

} // namespace

// The socket's BIO --------------------------------------------------------------------------------------------------

const BIO_METHOD* tls_engine::socket_method() noexcept
{
    static const openssl_ptr<BIO_METHOD, BIO_meth_free> method = [] {
        openssl_ptr<BIO_METHOD, BIO_meth_free> made(
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket of weir"));
        if (made) {
            BIO_meth_set_read(made.get(), &tls_engine::read_socket);
            BIO_meth_set_write(made.get(), &tls_engine::write_socket);
            BIO_meth_set_ctrl(made.get(), &tls_engine::control);
        }
        return made;
    }();
    return method.get();
}

int tls_engine::read_socket(BIO* bio, char* into, int most) noexcept
{
    auto& self = *static_cast<tls_engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (const std::size_t have = self.ahead_end_ - self.ahead_begin_) {
        const std::size_t count = std::min(have, static_cast<std::size_t>(most));
        std::memcpy(into, self.ahead_.data() + self.ahead_begin_, count);
        self.ahead_begin_ += count;
        return static_cast<int>(count);
    }
    const int count = self.receive(into, static_cast<std::size_t>(most));
    if (count < 0 && self.error_ == 0)
        BIO_set_retry_read(bio);
    return count;
}

int tls_engine::receive(char* into, std::size_t most) noexcept
{
    // Large records mostly follow one another: of the next one the header is enough, since what is ahead is copied.
    const std::size_t ahead = most < ahead_.size() ? ahead_.size() : SSL3_RT_HEADER_LENGTH;
    std::array<iovec, 2> parts{iovec{into, most}, iovec{ahead_.data(), ahead}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    for (;;) {
        const ssize_t count = ::recvmsg(descriptor_, &message, MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            error_ = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno;
            return -1;
        }
        ended_ = count == 0;
        const auto received = static_cast<std::size_t>(count);
        ahead_begin_ = 0;
        ahead_end_ = received - std::min(received, most);
        return static_cast<int>(received - ahead_end_);
    }
}

int tls_engine::write_socket(BIO* bio, const char* from, int count) noexcept
{
    auto& self = *static_cast<tls_engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    for (;;) {
        const ssize_t sent = ::send(self.descriptor_, from, static_cast<std::size_t>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0)
            return static_cast<int>(sent);
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            BIO_set_retry_write(bio);
        else
            self.error_ = errno;
        return -1;
    }
}

long tls_engine::control(BIO* bio, int command, long, void*) noexcept
{
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return static_cast<tls_engine*>(BIO_get_data(bio))->ended_ ? 1 : 0;
    default: return 0;
    }
}

// Steps -------------------------------------------------------------------------------------------------------------

tls_engine::tls_engine(SSL_CTX* context, int descriptor) : descriptor_(descriptor), ssl_(SSL_new(context))
{
    BIO* const bio = socket_method() && ssl_ ? BIO_new(socket_method()) : nullptr;
    if (!bio)
        throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
}

tls_engine::~tls_engine() = default;

void tls_engine::use_sessions(std::shared_ptr<tls_sessions> sessions, std::string key)
{
    sessions_ = std::move(sessions);
    session_key_ = std::move(key);
    if (!sessions_)
        return;
    if (const tls_session_ptr earlier = sessions_->find(session_key_))
        SSL_set_session(ssl_.get(), earlier.get());
}

void tls_engine::keep(SSL_SESSION* session) const noexcept
{
    try {
        if (sessions_)
            sessions_->put(session_key_, session);
    }
    catch (const std::bad_alloc&) { // the next hand-shake is a long one
    }
}

tls_step tls_engine::judge(int result) noexcept
{
    using want = tls_step::want;
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE: return {};
    case SSL_ERROR_WANT_READ: return {.next = want::readable};
    case SSL_ERROR_WANT_WRITE: return {.next = want::writable};
    case SSL_ERROR_ZERO_RETURN: return {.ended = true};
    default: break;
    }
    if (error_ != 0)
        return {.failed = system_code(error_)};
    if (ended_) {
        truncated_ = true;
        return {.ended = true};
    }
    try {
        failure_ = openssl_reason();
    }
    catch (const std::bad_alloc&) { // then without a reason
    }
    return {.failed = weir::detail::code(errc::tls_failed)};
}

tls_step tls_engine::handshake() noexcept
{
    ERR_clear_error();
    error_ = 0;
    return judge(SSL_do_handshake(ssl_.get()));
}

tls_step tls_engine::read(std::span<const asio::mutable_buffer> into) noexcept
{
    tls_step taken;
    if (is_end(read_end_))
        return read_end_;
    for (asio::mutable_buffer buffer : into)
        while (buffer.size() > 0) {
            ERR_clear_error();
            error_ = 0;
            std::size_t count = 0;
            if (const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count); result <= 0) {
                const tls_step stopped = judge(result);
                if (is_end(stopped))
                    read_end_ = stopped; // a system's error is told once, and OpenSSL's reason too
                return taken.bytes > 0 ? taken : stopped;
            }
            buffer += count;
            taken.bytes += count;
        }
    return taken;
}

std::span<const std::byte> tls_engine::next_record(std::span<const asio::const_buffer> from) noexcept
{
    std::size_t skip = written_;
    std::size_t i = 0;
    while (i < from.size() && skip >= from[i].size())
        skip -= from[i++].size();
    if (i == from.size())
        return {};
    const asio::const_buffer first = from[i] + skip;
    const bool enough = first.size() >= record_bytes || i + 1 == from.size();
    if (!enough && !gathered_)
        gathered_.reset(new (std::nothrow) std::byte[record_bytes]);
    if (enough || !gathered_)
        return {static_cast<const std::byte*>(first.data()), std::min(first.size(), record_bytes)};
    // A head, the framing of a chunk and its content are one record.
    std::size_t count = asio::buffer_copy(asio::buffer(gathered_.get(), record_bytes), first);
    while (++i < from.size() && count < record_bytes)
        count += asio::buffer_copy(asio::buffer(gathered_.get() + count, record_bytes - count), from[i]);
    return {gathered_.get(), count};
}

tls_step tls_engine::write(std::span<const asio::const_buffer> from) noexcept
{
    if (is_end(write_end_))
        return write_end_;
    // What a record waited for is told as soon as it has gone, so that a slow reader is seen to read.
    const bool waited = std::exchange(writing_, false);
    do {
        const std::span<const std::byte> record = next_record(from);
        if (record.empty())
            break;
        ERR_clear_error();
        error_ = 0;
        std::size_t count = 0;
        if (const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &count); result <= 0) {
            const tls_step stopped = judge(result);
            writing_ = !is_end(stopped);
            if (!writing_)
                write_end_ = stopped;
            return stopped;
        }
        written_ += count;
    } while (!waited);
    return {.bytes = std::exchange(written_, 0)};
}

void tls_engine::abandon_write() noexcept
{
    if (writing_)
        write_end_.failed = asio::error::operation_aborted;
}

tls_step tls_engine::close_notify() noexcept
{
    if (writing_ || read_end_.failed == weir::detail::code(errc::tls_failed))
        return {.failed = asio::error::operation_aborted};
    ERR_clear_error();
    error_ = 0;
    const int result = SSL_shutdown(ssl_.get());
    return result >= 0 ? tls_step() : judge(result); // 0: sent; the peer's own is not waited for
}

bool tls_engine::quiet() noexcept
{
    if (is_end(read_end_))
        return false;
    ERR_clear_error();
    error_ = 0;
    char first = 0;
    std::size_t count = 0;
    const int result = SSL_peek_ex(ssl_.get(), &first, sizeof first, &count);
    return result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
}

} // namespace weir::net::detail
