_clap_complete_mcm() {
    local IFS=$'\013'
    local _CLAP_COMPLETE_COMP_TYPE=${COMP_TYPE}
    if compopt +o nospace 2> /dev/null; then
        local _CLAP_COMPLETE_SPACE=false
    else
        local _CLAP_COMPLETE_SPACE=true
    fi
    local line="${COMP_LINE:0:${COMP_POINT:-0}}" words=() known='' rest i
    local _CLAP_COMPLETE_INDEX=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest="${line#"${line%%[![:space:]]*}"}"
        if [[ $i -eq 0 || -z $line || "$rest" != "$line" ]]; then
            words+=('')
            _CLAP_COMPLETE_INDEX=$((_CLAP_COMPLETE_INDEX + 1))
        fi
        if [[ $i -lt $COMP_CWORD ]]; then
            words[_CLAP_COMPLETE_INDEX]+="${COMP_WORDS[i]}"
            line="${rest#"${COMP_WORDS[i]}"}"
        elif [[ -z ${words[_CLAP_COMPLETE_INDEX]} ]]; then
            words[_CLAP_COMPLETE_INDEX]="$2"
        else
            words[_CLAP_COMPLETE_INDEX]+="$rest"
            known="${words[_CLAP_COMPLETE_INDEX]%"$2"}"
        fi
    done
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX="$_CLAP_COMPLETE_INDEX" \
        _CLAP_COMPLETE_COMP_TYPE="$_CLAP_COMPLETE_COMP_TYPE" \
        _CLAP_COMPLETE_SPACE="$_CLAP_COMPLETE_SPACE" \
        MCM_COMPLETE="bash" \
        "mcm" -- "${words[@]}" \
    ) )
    if [[ $? != 0 ]]; then
        unset COMPREPLY
        return
    fi
    if [[ -n $known ]]; then
        COMPREPLY=("${COMPREPLY[@]#"$known"}")
    fi
    if [[ $_CLAP_COMPLETE_SPACE == false ]] && [[ "${COMPREPLY-}" =~ [=/:]$ ]]; then
        compopt -o nospace
    fi
}
if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _clap_complete_mcm mcm
else
    complete -o nospace -o bashdefault -F _clap_complete_mcm mcm
fi
