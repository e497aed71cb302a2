# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gannet_global_optspecs
    string join \n a/addr= p/port= n/name= P/pid= m/http_port= https_port= c/config= t/check without= dry-run monitor= json client_advertise= ports_file_dir= store_dir= l/log= log_size_limit= s/syslog r/remote_syslog= log_format= T/logtime logtime_utc D/debug V/trace VV DV DVV max_traced_msg_len= user= pass= auth= cluster= cluster_name= routes= cluster_advertise= no_advertise connect_retries= tls tlscert= tlskey= tlsverify tlscacert= help_tls profile= h/help v/version signal=
end

function __fish_gannet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gannet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gannet_using_subcommand
    set -l cmd (__fish_gannet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gannet -n "__fish_gannet_needs_command" -s a -l addr -d 'Bind to this address (default: 0.0.0.0)' -r -f -a "(__fish_print_hostnames)"
complete -c gannet -n "__fish_gannet_needs_command" -s p -l port -d 'Port for clients (default: 4222; -1 for any free one)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -s n -l name -d 'Name of this server (default: its id)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -s P -l pid -d 'File to write the process id to' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -s m -l http_port -d 'Port for monitoring' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l https_port -d 'Port for monitoring, encrypted with the clients\' certificate (also -ms)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -s c -l config -d 'Configuration file; flags override what it says' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -l without -d 'Parts that are still to be built (but none that says whom to let in), by the keys of their blocks: the configuration file may have those, and they are left out with a warning (default: GANNET_WITHOUT, or none)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l monitor -d 'With --dry-run: where to ask (default: the monitoring port of the process)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l client_advertise -d 'Address to tell clients instead of our own' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l ports_file_dir -d 'Directory to write <program>_<pid>.ports to' -r -f -a "(__fish_complete_directories)"
complete -c gannet -n "__fish_gannet_needs_command" -l store_dir -d 'Directory for streams; unused while there are none (also -sd)' -r -f -a "(__fish_complete_directories)"
complete -c gannet -n "__fish_gannet_needs_command" -s l -l log -d 'File to write the log to' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -l log_size_limit -d 'Begin a new log file at this size in bytes' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -s r -l remote_syslog -d 'Send the log to the syslog at udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l log_format -d 'Lines as text or as json' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l max_traced_msg_len -d 'Show at most this much of a traced message (default: all)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l user -d 'User that clients must name' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l pass -d 'That user\'s password' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l auth -d 'Token that clients must give' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l cluster -d 'Where other servers of the cluster connect, as nats://[user:pass@]host:port (port -1 for any free one; empty for no routes)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l cluster_name -d 'Name of the cluster' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l routes -d 'Servers of the cluster to connect to, separated by commas' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l cluster_advertise -d 'Address to tell other servers instead of our own' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l connect_retries -d 'Attempts after the first at a server that was only heard of' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l tlscert -d 'Certificate to show to clients' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -l tlskey -d 'Key of that certificate' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -l tlscacert -d 'Authorities that vouch for clients\' certificates' -r -F
complete -c gannet -n "__fish_gannet_needs_command" -l profile -d 'Port that tells of the process below /debug (-1 for any free one)' -r -f
complete -c gannet -n "__fish_gannet_needs_command" -l signal -d 'Tell a running server: stop, quit, term, reopen, reload or ldm (also -sl); the process is given by its id, by a file that holds it, or by the beginning of some ids and a *' -r -f -a "stop\t''
quit\t''
term\t''
reopen\t''
reload\t''
ldm\t''"
complete -c gannet -n "__fish_gannet_needs_command" -s t -l check -d 'Check the configuration file and exit'
complete -c gannet -n "__fish_gannet_needs_command" -l dry-run -d 'With --signal reload: say what it would change and which connections it would end; change nothing'
complete -c gannet -n "__fish_gannet_needs_command" -l json -d 'With --dry-run: answer in JSON'
complete -c gannet -n "__fish_gannet_needs_command" -s s -l syslog -d 'Send the log to this machine\'s syslog'
complete -c gannet -n "__fish_gannet_needs_command" -s T -l logtime -d 'Begin lines with the time (default: true)'
complete -c gannet -n "__fish_gannet_needs_command" -l logtime_utc -d 'That time in UTC'
complete -c gannet -n "__fish_gannet_needs_command" -s D -l debug -d 'Log what helps to find errors'
complete -c gannet -n "__fish_gannet_needs_command" -s V -l trace -d 'Log the protocol as it is spoken'
complete -c gannet -n "__fish_gannet_needs_command" -l VV -d 'As --trace, the system account\'s too'
complete -c gannet -n "__fish_gannet_needs_command" -l DV -d '--debug and --trace'
complete -c gannet -n "__fish_gannet_needs_command" -l DVV -d '--debug and --VV'
complete -c gannet -n "__fish_gannet_needs_command" -l no_advertise -d 'Don\'t tell clients of the cluster\'s other servers'
complete -c gannet -n "__fish_gannet_needs_command" -l tls -d 'Clients\' connections are encrypted; any of the next four says so, too'
complete -c gannet -n "__fish_gannet_needs_command" -l tlsverify -d 'Clients must show a certificate'
complete -c gannet -n "__fish_gannet_needs_command" -l help_tls -d 'Tell more about TLS and exit'
complete -c gannet -n "__fish_gannet_needs_command" -s h -l help -d 'Show this and exit'
complete -c gannet -n "__fish_gannet_needs_command" -s v -l version -d 'Show the version and exit'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "config" -d 'Looks at configurations without running them'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "dev" -d 'Runs a super-cluster on this machine and shows how it is'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "bench" -d 'Measures a server, or two in turn, and checks every message'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "completions" -d 'Prints what a shell needs to complete the command line, to be read by it at its start'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "man" -d 'Prints the manual page, or writes all of them to a directory'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "help" -d 'Shows what --help shows'
complete -c gannet -n "__fish_gannet_needs_command" -f -a "version" -d 'Shows the version'
complete -c gannet -n "__fish_gannet_using_subcommand config; and not __fish_seen_subcommand_from explain diff" -f -a "explain" -d 'Shows every setting, its value and where that comes from'
complete -c gannet -n "__fish_gannet_using_subcommand config; and not __fish_seen_subcommand_from explain diff" -f -a "diff" -d 'Says what a reload would change, and which connections it would end'
complete -c gannet -n "__fish_gannet_using_subcommand config; and __fish_seen_subcommand_from explain" -l json -d 'As JSON'
complete -c gannet -n "__fish_gannet_using_subcommand config; and __fish_seen_subcommand_from diff" -l json -d 'As JSON'
complete -c gannet -n "__fish_gannet_using_subcommand dev" -l clusters -d 'How many clusters to join by gateways' -r
complete -c gannet -n "__fish_gannet_using_subcommand dev" -l nodes -d 'How many servers each of them has' -r
complete -c gannet -n "__fish_gannet_using_subcommand dev" -l base-port -d 'First port for clients; those of routes begin 2000 above it, those of gateways 3000, those of monitoring 4000 (default: any free ports)' -r
complete -c gannet -n "__fish_gannet_using_subcommand dev" -l no-monitor -d 'No monitoring'
complete -c gannet -n "__fish_gannet_using_subcommand dev" -l verbose -d 'Also show everything that the servers log, not only warnings and errors'
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l server -d 'Server binary to measure [default: this program]' -r -F
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l vs -d 'Server binary to compare with; its runs alternate with ours' -r -F
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l rounds -d 'Runs of each scenario per server; medians are reported [default: 3]' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l duration -d 'Seconds to measure in each run [default: 2]' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l messages -d 'Measure this many delivered messages instead of a time' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l warm-up -d 'Seconds of full load before measuring [default: 0.5]' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l connections -d 'Connections of the scenario `idle` [default: 5000]' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l subscriptions -d 'Subscriptions of the scenario `subscriptions`, over all its connections [default: 500000]' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l subscribers -d 'Connections that share those subscriptions' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l json -d 'Write the results as JSON to FILE, or to standard output in place of the table' -r -F
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l patience -d 'Seconds without any progress after which a run fails' -r
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l list -d 'Print the scenarios and exit'
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l quick -d 'A short look instead of a measurement: one round, fractions of a second, small numbers'
complete -c gannet -n "__fish_gannet_using_subcommand bench" -l targets -d 'Show the project\'s targets beside the figures'
complete -c gannet -n "__fish_gannet_using_subcommand completions" -l nats-server -d 'Complete the command line of nats-server, a link to this program'
