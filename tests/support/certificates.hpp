#pragma once
// Certificates made for one test.

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace test {

template <auto Free> struct freed {
    template <class T> void operator()(T* what) const { Free(what); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<X509_free>>;
using file_ptr = std::unique_ptr<std::FILE, freed<std::fclose>>;

/// A certificate and its key, as objects and as files.
struct identity {
    key_ptr key;
    certificate_ptr certificate;
    std::string certificate_file;
    std::string key_file;
};

struct certificate_wish {
    std::string names = "DNS:peer.test"; ///< as in openssl.cnf: "DNS:a,IP:127.0.0.1"; empty: none
    std::string common_name = {};         ///< empty: one of its own
    long begins_in = -3600;              ///< seconds from now
    long ends_in = 3600;
    bool is_authority = false;
};

/// Makes one, signed by `issuer`, or by itself.
inline identity make_identity(const temp_dir& where, const certificate_wish& wish, const identity* issuer = nullptr)
{
    static std::atomic<int> serial{0};
    const int number = ++serial;
    identity made;
    made.key.reset(EVP_EC_gen("P-256"));
    REQUIRE(made.key);
    made.certificate.reset(X509_new());
    X509* const certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), number);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.begins_in);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.ends_in);
    const std::string common_name = wish.common_name.empty() ? "test " + std::to_string(number) : wish.common_name;
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer->certificate.get() : certificate));
    X509_set_pubkey(certificate, made.key.get());
    const auto extend = [&](int what, const std::string& value) {
        const std::unique_ptr<X509_EXTENSION, freed<X509_EXTENSION_free>> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str()));
        REQUIRE(extension);
        X509_add_ext(certificate, extension.get(), -1);
    };
    if (wish.is_authority)
        extend(NID_basic_constraints, "critical,CA:TRUE");
    if (!wish.names.empty())
        extend(NID_subject_alt_name, wish.names);
    REQUIRE(X509_sign(certificate, (issuer ? issuer->key : made.key).get(), EVP_sha256()) > 0);

    made.certificate_file = where / ("certificate-" + std::to_string(number) + ".pem");
    made.key_file = where / ("key-" + std::to_string(number) + ".pem");
    const file_ptr certificate_file(std::fopen(made.certificate_file.c_str(), "w"));
    REQUIRE(PEM_write_X509(certificate_file.get(), certificate) == 1);
    const file_ptr key_file(std::fopen(made.key_file.c_str(), "w"));
    REQUIRE(PEM_write_PrivateKey(key_file.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return made;
}

/// Signs for others.
inline identity make_authority(const temp_dir& where)
{
    certificate_wish wish;
    wish.names.clear();
    wish.is_authority = true;
    return make_identity(where, wish);
}

} // namespace test
