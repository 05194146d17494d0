#include <weir/net/tls_context.hpp>

#include "net/tls_engine.hpp"
#include "net/tls_handshake.hpp"

#include <weir/error.hpp>

#include <openssl/err.h>

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include <unistd.h>

namespace weir::net {
namespace {

using context_ptr = detail::openssl_ptr<SSL_CTX, SSL_CTX_free>;

[[noreturn]] void refuse(std::string_view operation, std::string_view subject)
{
    throw error(errc::tls_failed, operation, subject, std::nullopt, detail::openssl_reason());
}

context_ptr make_context(const SSL_METHOD* method, tls_version minimum)
{
    context_ptr context(SSL_CTX_new(method));
    if (!context)
        throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context.get(), minimum == tls_version::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
    return context;
}

void show_certificate(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
        refuse("read the certificate", certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        refuse("read the key", key_file);
}

/// What OpenSSL was built to use may be of another system's layout, if it was not this system that built it.
bool trust_where_systems_keep_it(SSL_CTX* context)
{
    constexpr std::array places{
        "/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine, Arch
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
        "/etc/ssl/ca-bundle.pem",                            // openSUSE
        "/etc/ssl/cert.pem",                                 // BSD, macOS
    };
    for (const char* file : places)
        if (::access(file, R_OK) == 0 && SSL_CTX_load_verify_file(context, file) == 1)
            return true;
    return false;
}

void trust_the_system(SSL_CTX* context)
{
    SSL_CTX_set_default_verify_paths(context); // honours SSL_CERT_FILE and SSL_CERT_DIR
    const bool chosen = std::getenv(X509_get_default_cert_file_env()) || std::getenv(X509_get_default_cert_dir_env());
    const bool there = ::access(X509_get_default_cert_file(), R_OK) == 0
        || ::access(X509_get_default_cert_dir(), R_OK) == 0;
    if (!chosen && !there)
        trust_where_systems_keep_it(context);
    ERR_clear_error();
}

void trust(SSL_CTX* context, const tls_options& options)
{
    ERR_clear_error();
    if (options.ca_file.empty() && options.ca_directory.empty())
        return trust_the_system(context);
    if (!options.ca_file.empty() && SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1)
        refuse("read the certificates", options.ca_file);
    if (!options.ca_directory.empty() && ::access(options.ca_directory.c_str(), R_OK | X_OK) != 0)
        throw error(errc::tls_failed, "read the certificates", options.ca_directory, std::nullopt,
                    std::generic_category().message(errno));
    if (!options.ca_directory.empty() && SSL_CTX_load_verify_dir(context, options.ca_directory.c_str()) != 1)
        refuse("read the certificates", options.ca_directory);
}

/// Names as ALPN sends them: each after its length.
std::string wire_form(const std::vector<std::string>& protocols)
{
    std::string all;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > 255)
            throw error(errc::bad_configuration, "make a TLS context", "application_protocols", std::nullopt,
                        "a name has 1 to 255 bytes");
        all.push_back(static_cast<char>(name.size()));
        all.append(name);
    }
    return all;
}

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept
{
    static_cast<const detail::tls_engine*>(SSL_get_app_data(ssl))->keep(session);
    return 0; // no reference was kept
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void* ours) noexcept
{
    const std::string& wanted = *static_cast<const std::string*>(ours);
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, length, reinterpret_cast<const unsigned char*>(wanted.data()),
                                              static_cast<unsigned>(wanted.size()), offered, offered_length);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

} // namespace

tls_context::tls_context(const tls_options& options) : state_(std::make_shared<state>())
{
    state_->context = make_context(TLS_client_method(), options.minimum_version);
    SSL_CTX* const context = state_->context.get();
    state_->verify_peer = options.verify_peer;
    SSL_CTX_set_verify(context, options.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    state_->trust_at_first_use
        = options.trust_at_first_use && options.verify_peer && options.ca_file.empty() && options.ca_directory.empty();
    if (options.verify_peer && !state_->trust_at_first_use)
        trust(context, options);
    if (!options.certificate_file.empty() || !options.key_file.empty())
        show_certificate(context, options.certificate_file, options.key_file);
    if (const std::string protocols = wire_form(options.application_protocols); !protocols.empty())
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
    if (options.session_cache_entries == 0)
        return;
    state_->sessions = std::make_shared<detail::tls_sessions>(options.session_cache_entries);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, &keep_session);
}

SSL_CTX* tls_context::state::ready()
{
    if (trust_at_first_use)
        std::call_once(trusted, [this] { trust_the_system(context.get()); });
    return context.get();
}

tls_server_context::tls_server_context(const tls_server_options& options) : state_(std::make_shared<state>())
{
    state_->context = make_context(TLS_server_method(), options.minimum_version);
    show_certificate(state_->context.get(), options.certificate_file, options.key_file);
    state_->protocols = wire_form(options.application_protocols);
    if (!state_->protocols.empty())
        SSL_CTX_set_alpn_select_cb(state_->context.get(), &choose_protocol, &state_->protocols);
}

} // namespace weir::net
