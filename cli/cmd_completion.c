/* completion: scripts that make a shell complete commands, flags, words, ids and names. They only
 * pass on the line; what may follow is told by `meent __complete`, so that they never are behind
 * the program and speak the language of who types. */
#include "commands.h"

static const char BASH[] =
    "# bash completion of meent; made by: meent completion bash\n"
    "_meent() {\n"
    "    local line typed=${COMP_WORDS[COMP_CWORD]}\n"
    "    local -a words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
    "    words=(\"${words[@]//\\\\/}\")\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        line=${line%%$'\\t'*}\n"
    "        case $typed in\n"
    "        [\\\"\\']*) [[ $line == *[\\\"\\'\\\\\\$\\`!]* ]] && continue ;; # it would be run\n"
    "        *) printf -v line %q \"$line\" ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"$line\")\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete -- \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -o default -F _meent meent\n";

static const char ZSH[] =
    "#compdef meent\n"
    "# zsh completion of meent; made by: meent completion zsh\n"
    "_meent() {\n"
    "    local line\n"
    "    local -a found\n"
    "    for line in ${(f)\"$(${(Q)words[1]} __complete -- \"${(@Q)words[2,CURRENT]}\" "
    "2>/dev/null)\"}; do\n"
    "        found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    if (( $#found )); then\n"
    "        _describe -V meent found\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _meent ]; then\n"
    "    _meent \"$@\"\n"
    "else\n"
    "    compdef _meent meent\n"
    "fi\n";

static const char FISH[] =
    "# fish completion of meent; made by: meent completion fish\n"
    "function __meent_complete\n"
    "    set -l before (commandline -opc)\n"
    "    set -l program $before[1]\n"
    "    set -e before[1]\n"
    "    set -l typed (commandline -ct)\n"
    "    $program __complete -- $before \"$typed\" 2>/dev/null\n"
    "end\n"
    "complete -c meent -f -k -a '(__meent_complete)'\n"
    "complete -c meent -n '__fish_seen_subcommand_from import importeer inlezen' -F\n";

MT_COMMAND(completion) {
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", BASH}, {"zsh", ZSH}, {"fish", FISH}};
    for (size_t i = 0; i < MT_ARRAY_LEN(scripts); i++)
        if (strcmp(scripts[i].shell, args->words[0]) == 0) {
            fputs(scripts[i].script, cli->out);
            return MT_EXIT_OK;
        }
    return mt_usage(cli, _("\"%s\" is not one of: %s"), args->words[0], "bash, zsh, fish");
}
