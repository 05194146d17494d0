#pragma once
// For callers that branch on the outcome: any awaitable as one that gives a value or a failure and does not throw.
//
//   weir::result<weir::bytes> got = co_await weir::as_result(source.read(memory, 64_KiB));
//   if (got.code() == weir::condition::retryable) ...

#include <weir/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <cassert>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

/// The text of what an exception says about itself; for one that says nothing, "unknown exception".
[[nodiscard]] WEIR_API std::string message_of(const std::exception_ptr& failure);

/// The failed half of every result.
class WEIR_API failure {
public:
    /// \pre `cause` is not null
    explicit failure(std::exception_ptr cause) noexcept : cause_(std::move(cause)), code_(code_of(cause_)) {}

    [[nodiscard]] std::error_code code() const noexcept { return code_; }
    [[nodiscard]] std::string message() const { return message_of(cause_); }
    [[nodiscard]] const std::exception_ptr& exception() const noexcept { return cause_; }
    [[noreturn]] void raise() const { std::rethrow_exception(cause_); }

private:
    std::exception_ptr cause_;
    std::error_code code_;
};

/// A value, or why there is none: the exception with all it says, and its code to branch on.
///
/// `T` may be void. Reading the value of a failed result throws the exception itself.
template <class T> class [[nodiscard]] result {
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    using value_type = T;

    result() requires std::is_void_v<T> : content_(std::in_place_index<0>) {}
    template <class From>
    requires(!std::is_void_v<T> && std::is_convertible_v<From, stored> &&
             !std::is_same_v<std::remove_cvref_t<From>, result> && !std::is_same_v<std::remove_cvref_t<From>, failure>)
        result(From&& value)
        : content_(std::in_place_index<0>, std::forward<From>(value))
    {
    }
    result(failure why) noexcept : content_(std::in_place_index<1>, std::move(why)) {}

    [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Empty where there is a value.
    [[nodiscard]] std::error_code code() const noexcept
    {
        const failure* why = std::get_if<1>(&content_);
        return why ? why->code() : std::error_code();
    }
    /// What the exception says; empty where there is a value.
    [[nodiscard]] std::string message() const
    {
        const failure* why = std::get_if<1>(&content_);
        return why ? why->message() : std::string();
    }
    /// Null where there is a value.
    [[nodiscard]] std::exception_ptr exception() const noexcept
    {
        const failure* why = std::get_if<1>(&content_);
        return why ? why->exception() : nullptr;
    }

    /// \throws what the awaitable threw
    std::add_lvalue_reference_t<T> value() &
    {
        raise_failure();
        if constexpr (!std::is_void_v<T>)
            return std::get<0>(content_);
    }
    std::add_lvalue_reference_t<const T> value() const&
    {
        raise_failure();
        if constexpr (!std::is_void_v<T>)
            return std::get<0>(content_);
    }
    T value() &&
    {
        raise_failure();
        if constexpr (!std::is_void_v<T>)
            return std::get<0>(std::move(content_));
    }

    /// \pre `has_value()`, here and below
    [[nodiscard]] std::add_lvalue_reference_t<T> operator*() noexcept requires(!std::is_void_v<T>)
    {
        assert(has_value());
        return *std::get_if<0>(&content_);
    }
    [[nodiscard]] std::add_lvalue_reference_t<const T> operator*() const noexcept requires(!std::is_void_v<T>)
    {
        assert(has_value());
        return *std::get_if<0>(&content_);
    }
    [[nodiscard]] stored* operator->() noexcept requires(!std::is_void_v<T>)
    {
        assert(has_value());
        return std::get_if<0>(&content_);
    }
    [[nodiscard]] const stored* operator->() const noexcept requires(!std::is_void_v<T>)
    {
        assert(has_value());
        return std::get_if<0>(&content_);
    }

private:
    void raise_failure() const
    {
        if (const failure* why = std::get_if<1>(&content_))
            why->raise();
    }

    std::variant<stored, failure> content_;
};

/// Runs `work` and gives its outcome; every exception of `work` becomes a failure.
///
/// \par Cancellation
/// That of `work`, whose end is then a failure with `condition::cancelled`. As ever with Asio, the next `co_await` of a
/// coroutine that was cancelled throws unless it has reset its cancellation state.
/// \par Cost
/// A frame; for a failure, catching and keeping the exception.
template <class T> [[nodiscard]] boost::asio::awaitable<result<T>> as_result(boost::asio::awaitable<T> work)
{
    std::exception_ptr cause;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(work);
            co_return result<void>();
        }
        else {
            T value = co_await std::move(work); // apart from the co_return: gcc 12
            co_return result<T>(std::move(value));
        }
    }
    catch (...) {
        cause = std::current_exception();
    }
    co_return result<T>(failure(std::move(cause)));
}

} // namespace weir
