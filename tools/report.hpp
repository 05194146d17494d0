#pragma once
// What `weir ingest` says of its work: lines for programs, or a report for people.

#include "output.hpp"
#include "progress_display.hpp"

#include <weir/ingest.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tool {

/// The most memory that this process has had resident, in bytes.
[[nodiscard]] std::uint64_t peak_memory();

/// The name of the member that holds a digest: that of the hash.
[[nodiscard]] std::string_view digest_key(weir::hash_algorithm hash) noexcept;

/// An error's text as a line: with the path in front where the text does not have it, as that of an entry whose archive
/// cannot be decoded.
[[nodiscard]] std::string line_of_failure(std::string_view path, std::string_view text);

/// What `--json` says at the end, and the report too.
struct closing {
    weir::ingest_summary summary;
    bool interrupted = false;
    double seconds = 0;
};

/// A sink that says what it is given, and counts what it says: the sums of the closing line are those of the lines.
class reporter : public weir::ingest_sink {
public:
    /// Says of an argument that it cannot be read; for what never reaches an ingest.
    virtual void refuse(std::string_view path, std::error_code code, std::string_view text) = 0;

    /// The end: a summary line or a report.
    void close(closing end);

    [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }

protected:
    virtual void print(const closing& end) = 0;

    std::uint64_t files_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t chunks_ = 0;
    std::uint64_t bytes_ = 0;
};

/// JSON Lines on standard output.
class json_reporter final : public reporter {
public:
    json_reporter(output& out, const weir::ingest_options& options);

    asio::awaitable<void> chunks(const weir::file_origin& of, std::span<const weir::chunk_record> records) override;
    asio::awaitable<void> file(const weir::file_record& record) override;
    asio::awaitable<void> failed(std::string_view path, std::error_code code, std::string_view text) override;
    void refuse(std::string_view path, std::error_code code, std::string_view text) override;

private:
    void print(const closing& end) override;

    output& out_;
    std::string_view chunk_key_;
    std::string_view whole_key_;
    std::string prefix_; // of the chunk lines of one file
};

/// A report at the end; errors at once, as messages.
class text_reporter final : public reporter {
public:
    /// \param quiet  no report
    text_reporter(output& out, progress_display& messages, bool quiet);

    asio::awaitable<void> chunks(const weir::file_origin& of, std::span<const weir::chunk_record> records) override;
    asio::awaitable<void> file(const weir::file_record& record) override;
    asio::awaitable<void> failed(std::string_view path, std::error_code code, std::string_view text) override;
    void refuse(std::string_view path, std::error_code code, std::string_view text) override;

private:
    void print(const closing& end) override;

    output& out_;
    progress_display& messages_;
    bool quiet_;
};

} // namespace tool
