# Completion of heroku-migrator in bash: source this file, for instance from ~/.bashrc.
# The program itself says how a word can go on: verbs, options, and the ids of readiness checks.

_heroku_migrator() {
    local suggestion word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while IFS= read -r suggestion; do
        # It suggests whatever contains the word; ids may be typed in any case.
        if [[ ${suggestion,,} == "${word,,}"* ]]; then
            COMPREPLY+=("$suggestion")
        fi
    done < <("$1" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
}

# Where nothing is suggested, names of files are: --out-file takes one.
complete -o default -F _heroku_migrator heroku-migrator
