#pragma once
// Where a redirect leads, and what the request there may still say.

#include <weir/export.hpp>
#include <weir/http/request.hpp>

#include <optional>

namespace weir::http {

struct redirect_options {
    unsigned limit = 10; ///< so many redirects are followed in a row; 0 refuses the first
    bool follow = true;  ///< false: an answer that leads elsewhere is the caller's, as any other
};

/// The request that follows an answer of status 301, 302, 303, 307 or 308 with a `Location`.
///
/// - **Method.** 303 makes a GET of all but HEAD; 301 and 302 make a GET of POST; else it stays. What became a GET
///   has no body, and no fields that describe one.
/// - **Secrets.** Where scheme, host or port changes, credentials of the URL go, and the fields for which
///   `is_sensitive` holds, and `Host`; else they stay, also where the `Location` is a whole URL. As each request is made of
///   the one before it, nothing comes back on the way back. Credentials in a `Location` are dropped.
///
/// \param followed  how many redirects led to `request`
/// \returns  nothing if the answer is none to follow, or none is to be followed: it is the caller's
/// \throws weir::error  `errc::redirect_refused`: beyond the limit, from https to http, to a URL that is not http or
///   https or not valid, two different `Location`s, or a body that would have to be sent again and cannot be
/// \see RFC 9110, section 15.4
[[nodiscard]] WEIR_API std::optional<request_head> follow_redirect(const request_head& request, unsigned status,
                                                                   const fields& answer, unsigned followed,
                                                                   const redirect_options& options = {});

/// Whether a field is only for the origin it was set for: the signed ones of clouds (`x-amz-*`, `x-goog-*`, `x-ms-*`),
/// `X-JFrog-Art-Api`, and those whose name tells of a secret, by the rule that hides parameters of a URL too:
/// - a part of it is auth (but for author and authority), bearer, cookie, credential, csrf, hdn, hmac, jwt, passcode, passkey,
///   passphrase, password or passwd, pwd, secret, sessid, session, signature, ticket, token or xsrf;
/// - or a word of it is code, cred(s), dpop, jwe, jws, key(s), nonce, otp, pass, pat, pin, policy, psk, pw, saml, sas, sess,
///   sid, sig, sigv, sign(ed) or totp. Words end where letters do, and in camel case: `X-Key`, `accessKey2`, no `X-Monkey`.
///   No secret are `Idempotency-Key`, and keys called cache, partition, public, sort or surrogate; nor codes of a country, a
///   currency, an error, a language, a status, nor postal and zip codes;
/// - or a word ends in key, pass or sig, `rlkey`, `ftppass`, but for some of English (monkey, compass) and for those keys; or key
///   or pass follow, in one word, what they often do: `accesskeyid`.
[[nodiscard]] WEIR_API bool is_sensitive(std::string_view field_name) noexcept;

} // namespace weir::http
