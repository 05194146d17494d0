#pragma once
// Whether an archive that is read can go on.

#include <weir/error.hpp>

#include <atomic>
#include <exception>
#include <string_view>

namespace weir::codecs {

/// `shut` and `is_shut` from any thread, the rest from one at a time.
class stream_state {
public:
    /// The archive is closed, or gone.
    void shut() noexcept { is_shut_ = true; }
    [[nodiscard]] bool is_shut() const noexcept { return is_shut_; }
    [[nodiscard]] bool has_failed() const noexcept { return failure_ != nullptr; }

    /// \param open  what else has to be so
    /// \throws weir::error  `errc::closed`; what was noted
    void require_usable(std::string_view subject, bool open = true) const
    {
        if (is_shut_ || !open)
            throw error(errc::closed, "read", subject);
        if (failure_)
            std::rethrow_exception(failure_);
    }

    /// In a handler: notes the failure, if it is of the input or the format, to be thrown at each later call. What was
    /// closed was the reader's memory, or is found closed again.
    void note_failure() noexcept
    {
        const std::exception_ptr why = std::current_exception();
        if (code_of(why) != condition::cancelled && code_of(why) != errc::closed)
            failure_ = why;
    }

private:
    std::atomic<bool> is_shut_ = false;
    std::exception_ptr failure_;
};

} // namespace weir::codecs
