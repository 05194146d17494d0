#pragma once
// Reads the text of a URL into its parts, and says what is wrong with it and where.

#include "url_syntax.hpp"

#include <weir/error.hpp>
#include <weir/http/url.hpp>

namespace weir::http {

/// One text, read once.
class url_reader {
public:
    explicit url_reader(std::string_view text) noexcept : text_(text) {}

    /// \throws weir::error  as `url::parse`
    [[nodiscard]] url absolute() const;
    /// \throws weir::error  as `url::resolve`
    [[nodiscard]] url relative_to(const url& base);
    /// \throws weir::error  as `url::with_target`
    [[nodiscard]] url target_of(const url& base) const;

private:
    [[noreturn]] void fail(std::size_t offset, std::string_view reason, errc code = errc::bad_format) const;
    /// \param part  a view into the text
    [[noreturn]] void fail_at(std::string_view part, std::size_t offset, std::string_view reason) const;

    void check_bytes() const;
    void check_percent(std::string_view part) const;
    /// \returns  a path, query or fragment in which every percent sign has its digits
    [[nodiscard]] std::string with_digits(std::string_view part) const;

    [[nodiscard]] url absolute(const syntax::components& parts) const;
    void read_authority(url& out, std::string_view authority) const;
    void read_login(url& out, std::string_view text) const;
    [[nodiscard]] std::string decoded_login(std::string_view part) const;
    /// \returns  what follows the host: nothing, or a colon and the port
    [[nodiscard]] std::string_view read_host(url& out, std::string_view text) const;
    void read_name(url& out, std::string_view name) const;
    void check_label(std::string_view label) const;
    void check_ipv4(std::string_view address) const;
    void read_ipv6(url& out, std::string_view inside) const;
    void read_zone(url& out, std::string_view zone) const;
    void read_port(url& out, std::string_view text) const;
    void read_query(url& out, const syntax::components& parts) const;
    void read_fragment(url& out, const syntax::components& parts) const;

    std::string_view text_;
    bool is_lenient_ = false; ///< as for a server's
};

} // namespace weir::http
