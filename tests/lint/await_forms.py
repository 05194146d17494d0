#!/usr/bin/env python3
"""Finds forms of co_await that gcc 12 miscompiles in silence, or that Asio makes a trap of.

gcc 12 destroys some temporaries of a full expression twice when the expression suspends, and loses a
coroutine that suspends in the condition of a switch. Neither is warned of, so this check is the warning.

It reads C++ well enough for that: comments, literals and preprocessor lines are dropped, the rest is cut into
full expressions (a lambda's body is a text of its own), and the rules look at those that await. It knows no
types, so it also reports some harmless cases, for instance a ?: over scalars. Such a place says so on its line,
or on the line above:    // await-forms: allow RULE, because ...

usage: await_forms.py FILE-OR-DIRECTORY...
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

RULES = {
    "switch": "a switch whose condition awaits never goes on: await first, then switch on the result",
    "braces": "a braced temporary in an expression that awaits is destroyed twice: name a local first",
    "lambda": "a capturing lambda in an expression that awaits is destroyed twice: name it first, std::move it",
    "conditional": "?: of a class type in an expression that awaits is destroyed twice: use if and else",
    "throw": "the operand of throw is destroyed twice if it awaits: await first, then throw",
    "dispatch": "an awaited dispatch completes inline; in a loop the stack overflows: post",
    "empty": "a loop that awaits in its head and does nothing in its body is miscompiled at -O3: await in the body",
    "or": "|| of awaitables waits for the loser, so it is no time-out: as_tuple first, or a deadline",
    "detached": "detached drops the exception that a coroutine ends with: use a completion handler",
}

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.)*)
      |(?P<text>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]*)\(.*?\)(?P=delimiter)"
              |(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*"|(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
      |(?P<word>[A-Za-z_]\w*|\.?[0-9](?:[\w.]|'(?=\w)|(?<=[eEpP])[+-])*)
      |(?P<mark>->|::|\|\||&&|==|!=|<=|>=|<<|\.\.\.|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
SCALAR = re.compile(r"(?:s?size|ptrdiff|u?int(?:8|16|32|64|ptr))_t|byte|bool|char|short|int|long|unsigned|float|double")
OPEN, CLOSE = "([{", ")]}"


@dataclass
class Node:
    """A token, or a bracketed group of them."""

    text: str
    line: int
    children: list = field(default_factory=list)


@dataclass
class Lambda:
    """A lambda inside an expression: only its captures belong to that expression."""

    line: int
    captures: Node
    text: str = "<lambda>"
    children: list = field(default_factory=list)


@dataclass(frozen=True)
class Finding:
    line: int
    rule: str


def parse(source):
    """The source as a tree of brackets."""
    stack = [Node("{", 1)]
    line = 1
    for match in TOKEN.finditer(source):
        text = match.group()
        if match.lastgroup != "skip" and not match.group("skip"):
            if text in OPEN:
                group = Node(text, line)
                stack[-1].children.append(group)
                stack.append(group)
            elif text in CLOSE:
                if len(stack) > 1:
                    stack.pop()
            else:
                stack[-1].children.append(Node('""' if match.group("text") else text, line))
        line += text.count("\n")
    return stack[0]


def is_word(node):
    return isinstance(node, Node) and re.match(r"\w", node.text) is not None


class Checker:
    BLOCK_HEADS = {"else", "do", "try"}
    SCOPES = {"class", "struct", "union", "enum", "namespace", "extern", "concept"}
    CONTROL = {"if", "while", "for", "switch", "catch"}

    def __init__(self):
        self.findings = set()

    def block(self, nodes):
        """Statements: cut at semicolons and at the braces of blocks."""
        statement = []
        after_do = False
        position = 0
        while position < len(nodes):
            node = nodes[position]
            if node.text == ";":
                self.expression(statement)
                statement = []
            elif node.text == ":" and self.ends_label(statement):
                statement = []
            elif node.text == "(" and statement and self.control_of(statement):
                keyword = self.control_of(statement)
                self.control(keyword, node)
                if keyword in {"while", "for"} and not after_do and self.awaits([node]):
                    self.body(nodes[position + 1 :], node.line)
                after_do = False
                statement = []
            elif node.text == "[" and self.starts_lambda(statement, node):
                position = self.take_lambda(nodes, position, statement)
                continue
            elif node.text == "{" and self.is_block(statement):
                self.expression(statement)
                after_do = bool(statement) and statement[-1].text == "do"
                statement = []
                self.block(node.children)
            else:
                statement.append(self.inner(node))
            position += 1
        self.expression(statement)

    def body(self, after, line):
        """Of a loop whose head awaits."""
        if after and (after[0].text == ";" or (after[0].text == "{" and not after[0].children)):
            self.report(line, "empty")

    def inner(self, group):
        """A bracketed part of an expression, with its lambdas taken out."""
        if not group.children:
            return group
        result = Node(group.text, group.line)
        nodes, position = group.children, 0
        while position < len(nodes):
            if nodes[position].text == "[" and self.starts_lambda(result.children, nodes[position]):
                position = self.take_lambda(nodes, position, result.children)
                continue
            if nodes[position].text == "{" and self.is_requirement(result.children):
                self.block(nodes[position].children)
            else:
                result.children.append(self.inner(nodes[position]))
            position += 1
        return result

    @staticmethod
    def ends_label(statement):
        return bool(statement) and (statement[0].text in {"case", "default", "public", "private", "protected"})

    def control_of(self, statement):
        words = [node.text for node in statement if node.text != "constexpr"]
        return words[-1] if words and words[-1] in self.CONTROL else None

    def control(self, keyword, parens):
        parts, part = [], []
        for node in self.inner(parens).children:
            if node.text == ";":
                parts.append(part)
                part = []
            else:
                part.append(node)
        parts.append(part)
        if keyword == "switch" and self.awaits(parts[-1]):
            self.report(parens.line, "switch")
        for part in parts:
            self.expression(part)

    @staticmethod
    def starts_lambda(before, group):
        if group.children and group.children[0].text == "[":
            return False  # an attribute
        if not before:
            return True
        last = before[-1]
        if last.text in {"return", "co_return", "co_await", "co_yield", "case"}:
            return True
        return not (is_word(last) or last.text in {"(", "[", ">", '""', "<lambda>"})

    def take_lambda(self, nodes, position, statement):
        """Appends the lambda to the statement, checks its body apart, returns where the text goes on."""
        captures = nodes[position]
        position += 1
        while position < len(nodes) and nodes[position].text not in {"{", ";", ","}:
            position += 1  # template and function parameters, specifiers, trailing return type
        if position < len(nodes) and nodes[position].text == "{":
            self.block(nodes[position].children)
            position += 1
        statement.append(Lambda(captures.line, captures))
        return position

    @staticmethod
    def is_requirement(before):
        texts = [node.text for node in before[-2:]]
        return texts[-1:] == ["requires"] or texts == ["requires", "("]

    def is_block(self, statement):
        """Whether a brace after these tokens opens statements or members, not an initialiser."""
        if not statement or self.is_requirement(statement):
            return True
        last = statement[-1]
        texts = [node.text for node in statement]
        if last.text in self.BLOCK_HEADS or any(text in self.SCOPES for text in texts):
            return "=" not in texts
        if last.text == "(":
            return True
        if last.text == "{":
            return ":" in texts  # the body after a constructor's initialisers
        # Between the parameters and the body of a function: specifiers, a trailing return type, a requires clause.
        if "(" in texts and "=" not in texts and "co_await" not in texts and "return" not in texts:
            tail = texts[len(texts) - texts[::-1].index("(") :]
            return bool(tail) and tail[0] in {"->", "const", "noexcept", "override", "final", "requires", "mutable", "&", "&&"}
        return False

    # The rules, on one full expression.

    def expression(self, nodes):
        self.detached(nodes)
        if not self.awaits(nodes):
            return
        if nodes[0].text == "throw":
            self.report(nodes[0].line, "throw")
        self.operands(nodes)
        self.braces(nodes)
        for node in self.walk(nodes):
            if node.text == "?":
                self.report(node.line, "conditional")
            elif isinstance(node, Lambda) and self.captures_values(node.captures):
                self.report(node.line, "lambda")

    def braces(self, nodes):
        for before, node in zip([None, *nodes], nodes):
            if node.text == "{" and not (before and SCALAR.fullmatch(before.text)):
                self.report(node.line, "braces")
            if node.text != "<lambda>":
                self.braces(node.children)

    def operands(self, nodes):
        for before, node in zip(nodes, nodes[1:]):
            if before.text == "co_await" and node.text == "(" and any(child.text == "||" for child in node.children):
                self.report(node.line, "or")
        texts = [node.text for node in nodes]
        if "co_await" in texts:
            called = texts[texts.index("co_await") + 1 :]
            if "dispatch" in called and "(" in called and called.index("dispatch") + 1 == called.index("("):
                self.report(nodes[0].line, "dispatch")
        for node in nodes:
            self.operands(node.children)

    def detached(self, nodes):
        for before, node in zip(nodes, nodes[1:]):
            if before.text == "co_spawn" and node.text == "(":
                for child in node.children:
                    if child.text == "detached":
                        self.report(child.line, "detached")
        for node in nodes:
            self.detached(node.children)

    @staticmethod
    def captures_values(captures):
        """Whether something else than references and `this` is captured."""
        start = True
        for node in captures.children:
            if start and node.text not in {"&", "this"}:
                return True
            start = node.text == ","
        return False

    def walk(self, nodes):
        for node in nodes:
            yield node
            if node.text != "<lambda>":
                yield from self.walk(node.children)

    def awaits(self, nodes):
        return any(node.text == "co_await" for node in self.walk(nodes))

    def report(self, line, rule):
        self.findings.add(Finding(line, rule))


def findings_in(source):
    """The findings of one text that no comment allows, by line."""
    checker = Checker()
    checker.block(parse(source).children)
    lines = source.split("\n")

    def allowed(finding):
        near = lines[max(0, finding.line - 2) : finding.line]
        return any(f"await-forms: allow {finding.rule}" in line for line in near)

    return sorted((f for f in checker.findings if not allowed(f)), key=lambda f: (f.line, f.rule))


def sources_of(paths):
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in {".cpp", ".hpp", ".h", ".ipp"})
        else:
            yield path


def main(arguments):
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 2
    failed = False
    for path in sources_of(arguments):
        for finding in findings_in(path.read_text(encoding="utf-8")):
            print(f"{path}:{finding.line}: {RULES[finding.rule]} [{finding.rule}]")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
