#pragma once
// One of the coroutines that an ingest works with: it takes entries of the walk and reads what they name.

#include "file_batch.hpp"
#include "report.hpp"

#include "flow/flow_ledger.hpp"

#include <weir/chunk_stream.hpp>
#include <weir/file_source.hpp>
#include <weir/ingest.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/small_files.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <mutex>
#include <vector>

namespace weir::detail {

/// What the lanes of one job share: the walk, the way to the sink, and the sums.
class ingest_work final : public metered {
public:
    ingest_work(engine& on, ingest_options how, std::size_t lanes);
    ~ingest_work() { ledger_->leave(*this); }

    /// Of the batches; streams have numbers of their own.
    [[nodiscard]] flow_statistics meter() const noexcept override;

    /// Appends the next entries; false when there are none left. Blocks on the file system, and on the supplier.
    /// \param most_urls  of them
    bool next_entries(std::vector<tree_entry>& out, std::size_t most_urls);
    void add_stages(const stage_snapshot& more);
    [[nodiscard]] stage_snapshot stages() const;

    engine& owner;
    const ingest_options options;
    /// Of a large file, where its back end reads ahead; less where the pool is small.
    std::size_t read_ahead_blocks = file_source_options().read_ahead_blocks;
    report_channel reports;
    path_supplier paths;
    std::atomic<bool> cancelled{false}; ///< looked at between steps that do not suspend
    std::atomic<std::uint64_t> skipped{0};
    known_files known;
    stage_clock batches; ///< of the files that were read in batches

private:
    bool next_arguments(std::vector<tree_entry>& out, std::size_t most);

    std::shared_ptr<flow_ledger> ledger_;
    std::mutex walk_mutex_; ///< apart from the other, because a walk may block
    tree_walker walk_;
    std::vector<std::string> arguments_; ///< the next ones
    mutable std::mutex stages_mutex_;
    stage_snapshot streams_{};
};

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
        file_handle file; ///< empty where too many are open: opened again when its turn comes
    };

    static constexpr std::size_t least_urls = 1; // large ones are for several lanes

    /// A file whose content is known by another name.
    struct repeated_file {
        std::string path;
        std::shared_ptr<const known_file> known;
    };

    boost::asio::awaitable<void> read_entries();
    std::vector<buffer> reserve_slots(std::size_t count, std::size_t other_blocks);
    void read_files();
    void take_result(tree_entry& entry, small_file& result, buffer slot);
    bool add_medium(tree_entry& entry, const file_handle& file, const std::optional<file_stamp>& stamp);
    boost::asio::awaitable<void> digest_batch();
    boost::asio::awaitable<void> read_large(large_file large);
    boost::asio::awaitable<void> read_special(std::string argument);
    boost::asio::awaitable<void> read_urls(std::vector<std::string> urls);
    std::vector<url_request> requests_for(std::vector<std::string> urls);
    boost::asio::awaitable<std::vector<url_request>> open_urls(std::vector<url_request> requests);
    boost::asio::awaitable<std::vector<std::string>> take_answers(std::vector<url_request> answers);
    boost::asio::awaitable<void> pass_or_fail(std::string path, std::unique_ptr<source> input,
                                              std::exception_ptr failure, known_file* found = nullptr);
    boost::asio::awaitable<void> pass(std::string path, std::unique_ptr<source> input, known_file* found);
    boost::asio::awaitable<void> pass_chunks(chunk_stream& chunks, const std::string& path, known_file* found,
                                             stream_history* history);
    boost::asio::awaitable<void> give_history(const std::string& path, stream_history& history, merkle_tree& tree,
                                              file_record& file);
    boost::asio::awaitable<void> give_known(const std::string& path, const known_file& known);
    boost::asio::awaitable<void> start_report();
    void send_report();
    void fail(std::string path, std::exception_ptr failure);
    void check_cancelled() const;

    ingest_work& work_;
    std::size_t index_;
    report* report_ = nullptr; ///< being filled
    std::vector<tree_entry> entries_;
    std::vector<tree_entry> files_;
    std::vector<small_file> results_; ///< of `files_`
    std::vector<large_file> large_;
    std::vector<repeated_file> repeated_;
    std::optional<reservation> memory_; ///< of the batch; never held while a stream waits for its own
    file_batch batch_;
    std::size_t urls_at_once_ = least_urls; ///< more while they are small
    std::vector<url_request> opened_;       ///< URLs whose bodies are read one after the other
};

} // namespace weir::detail
