# bash completion for weir(1)

_weir_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_weir_files()
{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_weir()
{
    local cur prev subcommand settings web coding decoding archives display
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    subcommand=${COMP_WORDS[1]}
    COMPREPLY=()
    settings="--chunker --chunk-min --chunk-avg --chunk-max --normalization --seed --secret-file --hash --file-digest
        --jobs --memory --block-size --backend --direct --config --follow-links --one-file-system --exclude"
    web="-H --header --expect-sha256 --parallel --retries --max-rate --min-rate --timeout-connect --timeout-first-byte
        --timeout-idle --timeout-total --cacert --insecure --proxy --unix-socket"
    coding="-d --decompress -t --test -l --list --codec -T --threads -c --stdout -o --output -k --keep --rm -f --force
        -q --quiet -v --verbose
        --dictionary --memory-limit --ratio-limit --output-limit"
    decoding="--decompress --dictionary --memory-limit --ratio-limit --output-limit"
    archives="--archive-limit --entry-limit --content-limit --entries-limit --nesting-limit"
    display="--json --quiet --progress"

    if ((COMP_CWORD == 1)); then
        _weir_words "ingest cat ls compress decompress train check diff config origin version help -h --help --version"
        return
    fi
    if [[ $subcommand == @(help|-h|--help) ]]; then
        _weir_words "ingest cat ls compress decompress train check diff config origin version"
        return
    fi
    # "--option=value" comes as three words.
    if [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ $cur == "=" ]]; then
        prev=$prev=
        cur=""
    fi
    # The value of --file-digest may be left out, so that only one behind "=" is surely one.
    if [[ $prev == "--file-digest=" ]]; then
        prev=--hash
    fi
    if [[ $subcommand == ingest && ${prev%=} == "--resume" ]]; then
        _weir_files
        return
    fi
    if [[ $prev == "--decompress=" ]]; then
        _weir_words "auto identity zstd lz4 gzip zlib deflate xz lzma"
        return
    fi
    case ${prev%=} in
    --chunker) _weir_words "weir1 fastcdc2020 fixed"; return ;;
    --hash) _weir_words "sha256 sha512-256 xxh3-128"; return ;;
    --backend) _weir_words "auto uring threads mmap"; return ;;
    --codec) _weir_words "identity zstd lz4 gzip zlib deflate xz lzma"; return ;;
    --archives) _weir_words "named all none"; return ;;
    --memory-limit | --ratio-limit | --output-limit | --archive-limit | --entry-limit | --content-limit | --entries-limit | --nesting-limit) _weir_words "none"; return ;;
    --level | --threads | -T) return ;;
    --progress) _weir_words "auto never always"; return ;;
    --normalization) _weir_words "0 1 2 3"; return ;;
    --chunk-min | --chunk-avg | --chunk-max | --memory | --block-size | --seed | --jobs | --exclude) return ;;
    --listen) return ;;
    -H | --header | --expect-sha256 | --parallel | --retries | --max-rate | --min-rate | --timeout-* | --proxy) return ;;
    --config | --files-from | --secret-file | --cacert | --unix-socket | --dictionary | -o | --output) _weir_files; return ;;
    esac
    if [[ $cur != -* ]]; then
        [[ $subcommand == @(ingest|cat|ls|compress|decompress|train|check|diff|origin) ]] && _weir_files
        return
    fi
    case $subcommand in
    ingest) _weir_words "$settings $web $decoding --archives $archives $display --resume --files-from -0 --null -h --help --version" ;;
    diff) _weir_words "${settings/--file-digest/} --archives $archives --dictionary --memory-limit --ratio-limit --output-limit $display -h --help --version" ;;
    cat) _weir_words "$web $decoding --archives $archives -o --output --resume --memory --quiet --progress -h --help --version" ;;
    ls) _weir_words "$web $archives --dictionary --memory-limit --ratio-limit --output-limit --json -h --help --version" ;;
    train) _weir_words "-o --output --max-size --sample-size -f --force -h --help --version" ;;
    check) _weir_words "--quiet --progress $archives --dictionary --memory-limit --ratio-limit --output-limit -h --help --version" ;;
    config) _weir_words "$settings -h --help --version" ;;
    origin) _weir_words "--listen --quiet -h --help --version" ;;
    compress) _weir_words "$coding --level --fast --best -h --help --version" ;;
    decompress) _weir_words "$coding -h --help --version" ;;
    version) _weir_words "--codecs -h --help --version" ;;
    esac
}

complete -F _weir weir
