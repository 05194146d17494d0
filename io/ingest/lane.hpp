#pragma once
// One of the coroutines that an ingest works with: it takes entries of the walk and reads what they name.

#include "file_batch.hpp"
#include "ingest_work.hpp"

#include "streams/peeked_source.hpp"

#include <weir/as_result.hpp>
#include <weir/chunk_stream.hpp>
#include <weir/ingest.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/small_files.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// Opens the file of an entry where that is still to be done.
/// \returns  false when something else stands in its place by now
/// \throws weir::error  what opening reports
[[nodiscard]] bool open_entry(const tree_entry& entry, file_handle& file);

/// Runs on a strand of the worker pool until the walk has nothing more to give.
class ingest_lane {
public:
    ingest_lane(ingest_work& work, std::size_t index);

    /// \throws what no file can be blamed for
    /// \par Cancellation
    /// terminal, partial, total: ends by `operation_aborted`, with every file closed.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// Gives memory and descriptors back that a cancelled `run` has left.
    void drop() noexcept;

private:
    struct large_file {
        tree_entry entry;
        file_handle file = {}; ///< empty where too many are open: opened again when its turn comes
        bool is_plain = false; ///< seen to be no archive
    };

    static constexpr std::size_t least_urls = 1; // large ones are for several lanes
    static constexpr std::size_t slot_bytes = std::size_t{16} << 10; // of a small file, or a small body
    // To observers and registries: no allocation as a string.
    static constexpr std::string_view batch_name = "small files";

    /// A file whose content is known by another name.
    struct repeated_file {
        std::string path;
        std::shared_ptr<const known_file> known;
    };

    /// What comes in order, from its first byte on.
    struct stream {
        std::string path;
        std::unique_ptr<source> input;
        std::vector<std::string> content_codings = {};
        bool is_plain = true; ///< no archive, or not to be read as one
    };

    /// What lies whole in memory, and is read like a stream.
    struct held_content {
        std::string path;
        std::shared_ptr<const std::vector<std::byte>> content; ///< not of the pool: a stream waits for memory of that
        std::vector<std::string> content_codings;
        bool is_plain = true; ///< as a stream's
    };

    boost::asio::awaitable<void> read_entries();
    std::vector<buffer> reserve_slots(std::size_t count, std::size_t other_blocks);
    void read_files();
    void take_result(tree_entry& entry, small_file& result, buffer slot);
    bool add_medium(tree_entry& entry, const file_handle& file, std::uint64_t size,
                    const std::optional<file_stamp>& stamp);
    boost::asio::awaitable<void> digest_batch();
    boost::asio::awaitable<void> read_large(large_file large);
    boost::asio::awaitable<void> read_special(std::string argument);
    boost::asio::awaitable<void> read_archive(large_file file);
    boost::asio::awaitable<std::unique_ptr<archive>> open(large_file& from);
    boost::asio::awaitable<void> read_archive(std::string path, std::unique_ptr<source> input);
    boost::asio::awaitable<void> read_opened(std::string path, result<std::unique_ptr<archive>> found);
    boost::asio::awaitable<void> read_entries_of(std::shared_ptr<shared_archive> from);
    boost::asio::awaitable<void> read_and_close(std::shared_ptr<shared_archive> from);
    boost::asio::awaitable<void> read_entry(shared_archive& from, const archive_entry& entry);
    std::vector<buffer> room_for(std::uint64_t bytes);
    boost::asio::awaitable<void> add_entry(content_name name, std::unique_ptr<source> input, std::vector<buffer> room);
    boost::asio::awaitable<void> digest_slots();
    boost::asio::awaitable<void> read_urls(std::vector<std::string> urls);
    std::vector<url_request> requests_for(const std::vector<std::string>& urls);
    boost::asio::awaitable<std::vector<url_request>> open_urls(std::vector<url_request> requests);
    boost::asio::awaitable<std::vector<std::string>> take_answers(std::vector<url_request> answers);
    [[nodiscard]] static std::shared_ptr<const std::vector<std::byte>> copy_of(const slice& content);
    boost::asio::awaitable<void> read_held();
    boost::asio::awaitable<void> read_stream(stream from);
    boost::asio::awaitable<void> look(stream& from, content_name& name);
    boost::asio::awaitable<bool> holds_archive(codecs::peeked_source& input, std::string_view name) const;
    void take_whole(url_request answer);
    boost::asio::awaitable<void> pass_or_fail(content_name name, std::unique_ptr<source> input,
                                              std::exception_ptr failure, known_file* found = nullptr);
    boost::asio::awaitable<void> pass(content_name name, std::unique_ptr<source> input, known_file* found);
    boost::asio::awaitable<void> pass_chunks(chunk_stream& chunks, const content_name& name, known_file* found,
                                             stream_history* history);
    boost::asio::awaitable<void> give_history(const content_name& name, stream_history& history, merkle_tree& tree,
                                              file_record& file);
    boost::asio::awaitable<void> give_known(content_name name, const known_file& known);
    boost::asio::awaitable<void> start_report();
    void send_report();
    void fail(std::string path, std::exception_ptr failure);
    boost::asio::awaitable<void> tell_failure(std::string path, std::exception_ptr failure);
    void check_cancelled() const;

    ingest_work& work_;
    std::size_t index_;
    report* report_ = nullptr; ///< being filled
    std::vector<tree_entry> entries_;
    std::vector<tree_entry> files_;
    std::vector<small_file> results_; ///< of `files_`
    std::vector<large_file> large_;
    std::vector<repeated_file> repeated_;
    std::vector<held_content> held_;
    std::vector<large_file> archives_;
    std::vector<buffer> slots_; ///< for small entries of archives; of `memory_`
    std::optional<reservation> memory_; ///< of the batch; never held while a stream waits for its own
    file_batch batch_;
    std::size_t urls_at_once_ = least_urls; ///< more while they are small
    std::vector<url_request> opened_;       ///< URLs whose bodies are read one after the other
};

} // namespace weir::detail
