#pragma once
// A real server for tests: nginx on free loopback ports, by http and https, over a directory of its own.

#include "temp_dir.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace test {

struct nginx_options {
    std::string in_http;   ///< lines for the block `http` of its configuration
    std::string in_server; ///< lines for the block `server`: locations
};

/// Runs until it is destroyed, or the test program has died. One worker.
class nginx {
public:
    /// \returns  null, and a message of doctest, if nginx is not installed: the test then ends
    /// \throws std::runtime_error  it does not start; with what it says
    [[nodiscard]] static std::unique_ptr<nginx> start(const nginx_options& options = {});
    nginx(const nginx&) = delete;
    nginx& operator=(const nginx&) = delete;
    ~nginx();

    /// Writes a file that is served as `/name`.
    void write(std::string_view name, std::string_view content) const { files_.write(name, content); }
    /// The directory that is served.
    [[nodiscard]] const std::string& root() const noexcept { return files_.path(); }

    [[nodiscard]] std::uint16_t http_port() const noexcept { return http_port_; }
    [[nodiscard]] std::uint16_t https_port() const noexcept { return https_port_; }
    /// `http://127.0.0.1:PORT/name`
    [[nodiscard]] std::string http_url(std::string_view target = "/") const;
    /// `https://localhost:PORT/name`. Its certificate holds for localhost and 127.0.0.1.
    [[nodiscard]] std::string https_url(std::string_view target = "/") const;
    /// The authority that has signed the certificate, as a file for `--cacert`.
    [[nodiscard]] const std::string& authority_file() const noexcept { return authority_file_; }
    /// What it has logged, for a test that fails.
    [[nodiscard]] std::string log() const;

private:
    nginx(const std::string& program, const nginx_options& options);

    [[nodiscard]] std::string configuration(const nginx_options& options) const;
    void launch(const std::string& program, const nginx_options& options);
    [[nodiscard]] bool answers() const;
    void end() const noexcept;

    temp_dir files_;
    temp_dir state_;
    std::string authority_file_;
    std::string certificate_file_;
    std::string key_file_;
    std::uint16_t http_port_ = 0;
    std::uint16_t https_port_ = 0;
    pid_t process_ = -1;
};

} // namespace test
