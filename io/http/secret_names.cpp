#include "secret_names.hpp"

#include "grammar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::http {
namespace {

using namespace std::string_view_literals;

// The one table. Wherever they stand: "auth" has a rule of its own below, for authors.
constexpr std::array secret_parts = {
    "apikey"sv, "bearer"sv,   "cookie"sv,  "credential"sv, "csrf"sv,   "hdn"sv,      "hmac"sv,
    "jwt"sv,    "passcode"sv, "passkey"sv, "passphrase"sv, "passwd"sv, "password"sv, "pwd"sv,
    "secret"sv, "sessid"sv,   "session"sv, "signature"sv,  "ticket"sv, "token"sv,    "xsrf"sv};
// What is short is a part of much that is harmless: "monkey", "design", "compass".
constexpr std::array secret_words = {"code"sv, "cred"sv,   "creds"sv, "dpop"sv, "jwe"sv,  "jws"sv, "key"sv,
                                     "keys"sv, "nonce"sv,  "otp"sv,   "pass"sv, "pat"sv,  "pin"sv, "policy"sv,
                                     "psk"sv,  "pw"sv,     "saml"sv,  "sas"sv,  "sess"sv, "sid"sv, "sig"sv,
                                     "sign"sv, "signed"sv, "sigv"sv,  "totp"sv};
// A word that ends so is one, whatever is in front: "rlkey", "ftppass", "urlsig". But for these.
constexpr std::array secret_ends = {"key"sv, "pass"sv, "sig"sv};
constexpr std::array harmless_ends = {"bypass"sv, "cachekey"sv,     "compass"sv, "donkey"sv,       "hockey"sv,  "hotkey"sv,
                                      "idempotencykey"sv,           "jockey"sv,  "monkey"sv,       "partitionkey"sv,
                                      "publickey"sv, "sortkey"sv,   "surpass"sv, "surrogatekey"sv, "trespass"sv, "turkey"sv,
                                      "whiskey"sv};
// Before "key" or "pass" without anything between them.
constexpr std::array key_fronts = {"access"sv,       "account"sv, "admin"sv,    "api"sv,     "app"sv,
                                   "application"sv,  "client"sv,  "consumer"sv, "db"sv,      "encryption"sv,
                                   "functions"sv,    "licence"sv, "license"sv,  "master"sv,  "private"sv,
                                   "root"sv,         "service"sv, "shared"sv,   "signing"sv, "storage"sv,
                                   "subscription"sv, "user"sv};
// Two words that are no secret, though the second alone would be.
constexpr std::array harmless_pairs = {
    std::pair("cache"sv, "key"sv),     std::pair("idempotency"sv, "key"sv), std::pair("partition"sv, "key"sv),
    std::pair("public"sv, "key"sv),    std::pair("sort"sv, "key"sv),        std::pair("surrogate"sv, "key"sv),
    std::pair("country"sv, "code"sv),  std::pair("currency"sv, "code"sv),   std::pair("error"sv, "code"sv),
    std::pair("language"sv, "code"sv), std::pair("postal"sv, "code"sv),     std::pair("status"sv, "code"sv),
    std::pair("zip"sv, "code"sv)};
// Names of which no word tells.
constexpr std::array wordless_names = {"x-jfrog-art-api"sv};

constexpr bool is_upper_case(char c) noexcept { return grammar::is_alpha(c) && !grammar::is_lower(c); }

bool same_letters(std::string_view text, std::string_view lower) noexcept
{
    return std::ranges::equal(text, lower, {}, grammar::to_lower);
}

bool begins_with(std::string_view text, std::string_view lower) noexcept
{
    return same_letters(text.substr(0, lower.size()), lower);
}

std::size_t find_letters(std::string_view text, std::string_view lower, std::size_t from = 0) noexcept
{
    while (from < text.size() && !begins_with(text.substr(from), lower))
        ++from;
    return from < text.size() ? from : std::string_view::npos;
}

bool holds_auth(std::string_view name) noexcept
{
    for (std::size_t at = find_letters(name, "auth"); at != std::string_view::npos;
         at = find_letters(name, "auth", at + 1)) {
        const std::string_view rest = name.substr(at);
        const bool is_author =
            begins_with(rest, "author") && !begins_with(rest, "authoriz") && !begins_with(rest, "authoris");
        if (!is_author)
            return true;
    }
    return false;
}

bool holds_compound(std::string_view name) noexcept
{
    return std::ranges::any_of(key_fronts, [&](std::string_view front) {
        for (std::size_t at = find_letters(name, front); at != std::string_view::npos;
             at = find_letters(name, front, at + 1)) {
            const std::string_view rest = name.substr(at + front.size());
            if (begins_with(rest, "key") || begins_with(rest, "pass"))
                return true;
        }
        return false;
    });
}

bool ends_with_letters(std::string_view text, std::string_view lower) noexcept
{
    return text.size() >= lower.size() && same_letters(text.substr(text.size() - lower.size()), lower);
}

bool ends_as_secret(std::string_view word) noexcept
{
    const auto ends_word = [&](std::string_view end) { return ends_with_letters(word, end); };
    return std::ranges::any_of(secret_ends, ends_word) && std::ranges::none_of(harmless_ends, ends_word);
}

bool is_secret_word(std::string_view word, std::string_view before) noexcept
{
    const auto excuses = [&](const auto& two) {
        return same_letters(before, two.first) && same_letters(word, two.second);
    };
    const bool is_known = std::ranges::any_of(secret_words, [&](std::string_view known) { return same_letters(word, known); });
    return (is_known || ends_as_secret(word)) && std::ranges::none_of(harmless_pairs, excuses);
}

/// Where the first word of camel case ends: in front of "Key" in "accessKey" and in "APIKey".
std::size_t end_of_camel(std::string_view letters) noexcept
{
    for (std::size_t at = 1; at < letters.size(); ++at) {
        const bool rises = !is_upper_case(letters[at - 1]) && is_upper_case(letters[at]);
        const bool begins_word =
            is_upper_case(letters[at]) && at + 1 < letters.size() && !is_upper_case(letters[at + 1]);
        if (rises || begins_word)
            return at;
    }
    return letters.size();
}

bool holds_word(std::string_view name) noexcept
{
    std::string_view before;
    for (std::string_view rest = name; !rest.empty();) {
        const auto end = std::ranges::find_if_not(rest, grammar::is_alpha);
        std::string_view letters = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        rest.remove_prefix(std::max<std::size_t>(letters.size(), 1));
        if (is_secret_word(letters, before)) // however it is written: "DPoP"
            return true;
        while (!letters.empty()) {
            const std::string_view word = letters.substr(0, end_of_camel(letters));
            if (is_secret_word(word, before))
                return true;
            before = word;
            letters.remove_prefix(word.size());
        }
    }
    return false;
}

} // namespace

bool names_secret(std::string_view name) noexcept
{
    return holds_auth(name) || holds_compound(name) || holds_word(name)
        || std::ranges::any_of(
               secret_parts, [&](std::string_view part) { return find_letters(name, part) != std::string_view::npos; })
        || std::ranges::any_of(wordless_names, [&](std::string_view known) { return same_letters(name, known); });
}

} // namespace weir::http
