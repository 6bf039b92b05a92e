# SPDX-License-Identifier: MIT
# Completion of backplane's command line in fish: the program itself says what there is.

function __backplane_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found ($words[1] -complete $words[2..-1] "$word" 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        # A file's name belongs there, maybe behind a =.
        set -l behind (string replace -r '.*=' '' -- "$word")
        set -l before (string replace -r '[^=]*$' '' -- "$word")
        for path in (__fish_complete_path "$behind")
            printf '%s%s\n' "$before" $path
        end
    end
end

for program in backplane backplane-kvm
    complete -c $program -f -a '(__backplane_complete)'
end
