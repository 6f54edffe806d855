complete --keep-order --exclusive --command mcm --arguments "(MCM_COMPLETE=fish mcm -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
