#pragma once
// What `weir compress` and `weir decompress` do with each file.

#include "coding.hpp"
#include "new_file.hpp"

#include <weir/codec_settings.hpp>
#include <weir/file_handle.hpp>

#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace tool {

struct coding_options {
    enum class work { compress, decompress, test, list };

    work what = work::compress;
    std::vector<std::string> names;    ///< `-`: standard input
    std::optional<std::string> output; ///< of the one name; nothing: beside each input, `-` to standard output
    bool to_standard_output = false;
    bool force = false;
    bool remove = false;
    bool quiet = false;   ///< no notices
    bool verbose = false; ///< a line for each file that is done
    std::optional<weir::codec> codec; ///< always there for `compress`
    weir::encoder_settings encoder = {};
    weir::decoder_settings decoder = {};
    bool has_output_limit = false; ///< else there is none for what has a name
    std::optional<std::size_t> threads;           ///< 0: all cores; nothing: as many as fit
    std::optional<weir::parallel_options> pieces; ///< how to compress in pieces; nothing: as one
};

/// Says of each file that fails why it does, and goes on with the next.
class coding_run {
public:
    explicit coding_run(const coding_options& options) : options_(options) {}

    /// \returns  the exit code
    /// \throws output_error  standard output could not be written
    [[nodiscard]] int run();

private:
    struct input {
        std::string name;
        weir::file_handle file;
        struct stat status;
    };

    void work_on(const std::string& name);
    void examine(const std::string& name);
    void convert(const std::string& name);
    [[nodiscard]] std::optional<std::string> target_of(const std::string& name) const;
    [[nodiscard]] bool goes_to_standard_output(const std::string& name) const;

    [[nodiscard]] input open(const std::string& name) const;
    [[nodiscard]] input open_plain_file(const std::string& name) const;
    void check_target(const input& from, const std::string& path) const;
    coded code(const input& from, int descriptor, const std::string& name);
    coded encode(const input& from, block_reader& in, block_writer& out);
    coded decode(const input& from, block_reader& in, block_writer& out);
    void check_unchanged(const input& from, std::uint64_t bytes_read) const;
    void write_file(const input& from, const std::string& path);
    void remove_input(const input& from) const;
    [[nodiscard]] bool is_to_go(const input& from) const;
    [[noreturn]] void refuse(const std::string& name, std::string_view why) const;
    [[nodiscard]] std::string_view verb() const noexcept;

    void tell(const coded& sizes, std::string_view name) const;
    void list(const coded& sizes, std::string_view name);
    void print_row(const coded& sizes, std::string_view codec, std::string_view name) const;

    const coding_options& options_;
    file_coder coder_;
    coded total_; // of what is listed
    std::size_t listed_ = 0;
};

} // namespace tool
