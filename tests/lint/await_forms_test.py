#!/usr/bin/env python3
"""The check of co_await forms against snippets that it must report, and others that it must not."""

import unittest

from await_forms import findings_in

BAD = {
    "switch": ["switch (co_await kind()) { case 1: break; }",
               "switch (int k = 1; co_await kind()) { default: return; }"],
    "braces": ["co_await open({.path = p, .size = 3});",
               "co_await open(options{p});",
               "co_await options{p}.get();",
               "options o{.a = co_await get()};",
               "v.push_back({.s = t, .n = co_await get()});",
               "co_return pair{co_await a(), 1};",
               "if (co_await open({p})) { f(); }",
               "while (co_await next({})) g();",
               "auto l = [](int a) -> awaitable<void> { co_await f(T{a}); };"],
    "lambda": ["co_await [p]() -> awaitable<void> { co_return; }();",
               "co_await co_spawn(ex, [p = std::move(p)]() -> awaitable<void> { co_return; }, use_awaitable);",
               "co_await async_initiate<T, void()>([=](auto h) { h(); }, token);"],
    "conditional": ["s = b ? co_await text() : std::string();",
                    "co_await send(b ? longer() : std::string());",
                    "co_return co_await size() > 3 ? a : c;"],
    "throw": ["throw std::runtime_error(co_await text());"],
    "dispatch": ["co_await asio::dispatch(ex, use_awaitable);",
                 "for (;;) { co_await dispatch(use_awaitable); }"],
    "empty": ["while (!(co_await next()).empty()) { }",
              "while (co_await next());",
              "for (int i = 0; co_await more(i); ++i) {}"],
    "or": ["co_await (read(s) || timer.async_wait(use_awaitable));",
           "auto r = co_await (read(s) || wait(t));"],
    "detached": ["co_spawn(ex, run(), detached);",
                 "asio::co_spawn(ex, [&]() -> awaitable<void> { co_return; }, asio::detached);"],
}

GOOD = [
    "auto k = co_await kind(); switch (k) { case 1: break; }",
    "switch (auto k = co_await kind(); k) { default: break; }",
    "options o{.path = p}; co_await open(std::move(o));",
    "if (co_await more()) { options o{1}; use(o); }",
    "for (auto& t : co_await all()) { t.f({1, 2}); }",
    "for (auto x : {a, b}) { co_await f(x); }",
    "while (auto c = co_await next()) { std::string s{\"}\"}; }",
    "do { f(); } while (co_await next());",
    "while (co_await next()) f();",
    "while (next()) {}",
    "auto l = [p] { return p; }; co_await post(ex, std::move(l));",
    "co_await co_spawn(ex, [&x]() -> awaitable<void> { co_await f(x); }, use_awaitable);",
    "auto s = spawn([p]() -> awaitable<void> { co_await f(p); });",
    "auto t = f({.a = 1}); co_await std::move(t);",
    "try { co_await f(); } catch (const error& e) { g({e}); }",
    "co_spawn(ex, run(), [](std::exception_ptr e) { report(e); });",
    "if (a || co_await b()) return;",
    "const char* s = R\"x( co_await f({}); )x\"; // co_await f({1});",
    "/* co_await f({}); */ char c = '{'; auto n = 1'000'000; co_await f(n);",
    "#define X(a) co_await f({a})\nint y = 0;",
    "namespace n { struct s { int a{1}; awaitable<int> get() const { co_return co_await f(a); } }; }",
    "s::s(int a) : a_(a), b_{a} { start(); }\nawaitable<void> s::run() { co_await f(); }",
    "auto f() -> asio::awaitable<int> { int a[2] = {1, 2}; co_return co_await g(a[0]); }",
    "template <class T> requires requires(T t) { t.x(); } awaitable<void> f(T t) { co_await t.x(); }",
    "int r = b ? 1 : 2; co_await f(r);",
    "co_await read(memory, std::size_t{64} << 10, int{3});",
    "case_of: co_await f(); label: int x{2};",
    "// await-forms: allow conditional, because both are int\nint r = b ? co_await f() : 2;",
    "int r = b ? co_await f() : 2; // await-forms: allow conditional, because both are int",
    "post(strand_, [self = this] { f({1}); }); co_await g();",
    "asio::dispatch(ex, [] {}); co_await f();",
    "enum class e { a, b }; awaitable<e> f() { co_return co_await g(); }",
]


class AwaitForms(unittest.TestCase):
    def test_each_forbidden_form_is_reported_by_its_rule(self):
        for rule, snippets in BAD.items():
            for snippet in snippets:
                for text in (snippet, "awaitable<void> f()\n{\n    " + snippet + "\n}\n"):
                    with self.subTest(text):
                        self.assertIn(rule, {finding.rule for finding in findings_in(text)})

    def test_what_is_allowed_is_not_reported(self):
        for snippet in GOOD:
            for text in (snippet, "class c {\n    void f()\n    {\n" + snippet + "\n    }\n};\n"):
                with self.subTest(text):
                    self.assertEqual([], findings_in(text))

    def test_the_line_is_the_one_of_the_form(self):
        self.assertEqual([3], [finding.line for finding in findings_in("int a;\n\nco_await f({1});\n")])

    def test_a_permission_is_for_one_rule(self):
        text = "// await-forms: allow braces, because trivial\nco_await f(b ? x : y);"
        self.assertEqual(["conditional"], [finding.rule for finding in findings_in(text)])


if __name__ == "__main__":
    unittest.main()
