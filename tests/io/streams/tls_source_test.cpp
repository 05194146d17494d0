// A real TLS stream as a source: where it ended, and where it was cut off.
#include <weir/stream_source.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"
#include "memory.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>

namespace tls_source_test {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using tls_stream = ssl::stream<asio::local::stream_protocol::socket>;

constexpr std::size_t block = test::memory_of::block;
using test::memory_of;

template <auto Free> struct freed {
    template <class T> void operator()(T* what) const { Free(what); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<X509_free>>;

/// Signed by its own key, for an hour.
certificate_ptr make_certificate(EVP_PKEY* key)
{
    certificate_ptr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_NAME* const name = X509_get_subject_name(made.get());
    const auto* common_name = reinterpret_cast<const unsigned char*>("peer.test");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    X509_set_pubkey(made.get(), key);
    REQUIRE(X509_sign(made.get(), key, EVP_sha256()) > 0);
    return made;
}

// Two ends of one connection, after the handshake.
struct tls_pair {
    explicit tls_pair(asio::io_context& where)
    {
        const key_ptr key(EVP_EC_gen("P-256"));
        REQUIRE(key);
        const certificate_ptr certificate = make_certificate(key.get());
        REQUIRE(SSL_CTX_use_certificate(server.native_handle(), certificate.get()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey(server.native_handle(), key.get()) == 1);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(client.native_handle()), certificate.get());
        client.set_verify_mode(ssl::verify_peer);
        mine.emplace(where, client);
        peer.emplace(where, server);
        asio::local::connect_pair(mine->next_layer(), peer->next_layer());
        test::task<void> accepting(where.get_executor(),
                                   peer->async_handshake(ssl::stream_base::server, asio::use_awaitable));
        test::await(where, mine->async_handshake(ssl::stream_base::client, asio::use_awaitable));
        test::run_ready(where);
        REQUIRE(accepting.outcome().has_value());
    }

    ssl::context client{ssl::context::tls_client};
    ssl::context server{ssl::context::tls_server};
    std::optional<tls_stream> mine, peer;
};

enum class ending { close_notify, cut_off };

asio::awaitable<void> send_and_end(tls_stream& to, std::span<const std::byte> content, ending how)
{
    const asio::const_buffer all(content.data(), content.size());
    co_await asio::async_write(to, all, asio::use_awaitable);
    if (how == ending::close_notify) {
        // Waits for the other side's close_notify too, which a source never sends.
        boost::system::error_code ignored;
        co_await to.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    }
    to.next_layer().close();
}

/// What the source gave until its end, and how that end was.
std::pair<std::vector<std::byte>, weir::result<weir::bytes>> read_to_the_end(asio::io_context& on, weir::source& from,
                                                                             weir::reservation& memory)
{
    std::vector<std::byte> all;
    for (;;) {
        weir::result<weir::bytes> next = test::await(on, weir::as_result(from.read(memory, 3 * block)));
        if (!next || next.value().empty())
            return {std::move(all), std::move(next)};
        const std::vector<std::byte> copy = next.value().copy_out();
        all.insert(all.end(), copy.begin(), copy.end());
    }
}

TEST_CASE("stream_source over TLS: what came before close_notify is all there is")
{
    asio::io_context context;
    memory_of memory(4);
    tls_pair pair(context);
    const std::vector<std::byte> sent = test::random_bytes(300'000);
    weir::stream_source source(*pair.mine, "peer");
    test::task<void> sending(context.get_executor(), send_and_end(*pair.peer, sent, ending::close_notify));
    const auto [got, end] = read_to_the_end(context, source, memory.promised);
    CHECK(got == sent);
    REQUIRE(end.has_value());
    CHECK(test::await(context, source.read(memory.promised, block)).empty()); // and so it stays
    test::await(context, source.close());
    CHECK(memory.all_back());
}

TEST_CASE("stream_source over TLS: a stream that was cut off is an error after what came before, and no end")
{
    asio::io_context context;
    memory_of memory(4);
    tls_pair pair(context);
    const std::vector<std::byte> sent = test::random_bytes(300'000);
    weir::stream_source source(*pair.mine, "peer");
    test::task<void> sending(context.get_executor(), send_and_end(*pair.peer, sent, ending::cut_off));
    const auto [got, end] = read_to_the_end(context, source, memory.promised);
    CHECK(got == sent);
    CHECK(end.code() == std::error_code(boost::system::error_code(ssl::error::stream_truncated)));
    CHECK(end.message().starts_with("read peer at 300000: "));
    const auto again = test::await(context, weir::as_result(source.read(memory.promised, block)));
    CHECK(again.code() == end.code());
    test::await(context, source.close());
    CHECK(memory.all_back());
}

TEST_CASE("stream_source over TLS: closed while it waits, its read ends and its memory is back")
{
    asio::io_context context;
    memory_of memory(4);
    tls_pair pair(context);
    weir::stream_source source(std::move(*pair.mine));
    test::task<weir::bytes> waiting(context.get_executor(), source.read(memory.promised, block));
    test::run_ready(context);
    CHECK(!waiting.done());
    waiting.cancel();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::condition::cancelled);
    test::await(context, source.close());
    CHECK(memory.all_back());
}

} // namespace
} // namespace tls_source_test
