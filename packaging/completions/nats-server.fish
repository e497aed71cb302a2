complete -c nats-server -s a -l addr -d 'Bind to this address (default: 0.0.0.0)' -r -f -a "(__fish_print_hostnames)"
complete -c nats-server -s p -l port -d 'Port for clients (default: 4222; -1 for any free one)' -r -f
complete -c nats-server -s n -l name -d 'Name of this server (default: its id)' -r -f
complete -c nats-server -s P -l pid -d 'File to write the process id to' -r -F
complete -c nats-server -s m -l http_port -d 'Port for monitoring' -r -f
complete -c nats-server -l https_port -d 'Port for monitoring, encrypted with the clients\' certificate (also -ms)' -r -f
complete -c nats-server -s c -l config -d 'Configuration file; flags override what it says' -r -F
complete -c nats-server -l without -d 'Parts that are still to be built (but none that says whom to let in), by the keys of their blocks: the configuration file may have those, and they are left out with a warning (default: GANNET_WITHOUT, or none)' -r -f
complete -c nats-server -l monitor -d 'With --dry-run: where to ask (default: the monitoring port of the process)' -r -f
complete -c nats-server -l client_advertise -d 'Address to tell clients instead of our own' -r -f
complete -c nats-server -l ports_file_dir -d 'Directory to write <program>_<pid>.ports to' -r -f -a "(__fish_complete_directories)"
complete -c nats-server -l store_dir -d 'Directory for streams; unused while there are none (also -sd)' -r -f -a "(__fish_complete_directories)"
complete -c nats-server -s l -l log -d 'File to write the log to' -r -F
complete -c nats-server -l log_size_limit -d 'Begin a new log file at this size in bytes' -r -f
complete -c nats-server -s r -l remote_syslog -d 'Send the log to the syslog at udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH' -r -f
complete -c nats-server -l log_format -d 'Lines as text or as json' -r -f
complete -c nats-server -l max_traced_msg_len -d 'Show at most this much of a traced message (default: all)' -r -f
complete -c nats-server -l user -d 'User that clients must name' -r -f
complete -c nats-server -l pass -d 'That user\'s password' -r -f
complete -c nats-server -l auth -d 'Token that clients must give' -r -f
complete -c nats-server -l cluster -d 'Where other servers of the cluster connect, as nats://[user:pass@]host:port (port -1 for any free one; empty for no routes)' -r -f
complete -c nats-server -l cluster_name -d 'Name of the cluster' -r -f
complete -c nats-server -l routes -d 'Servers of the cluster to connect to, separated by commas' -r -f
complete -c nats-server -l cluster_advertise -d 'Address to tell other servers instead of our own' -r -f
complete -c nats-server -l connect_retries -d 'Attempts after the first at a server that was only heard of' -r -f
complete -c nats-server -l tlscert -d 'Certificate to show to clients' -r -F
complete -c nats-server -l tlskey -d 'Key of that certificate' -r -F
complete -c nats-server -l tlscacert -d 'Authorities that vouch for clients\' certificates' -r -F
complete -c nats-server -l profile -d 'Port that tells of the process below /debug (-1 for any free one)' -r -f
complete -c nats-server -l signal -d 'Tell a running server: stop, quit, term, reopen, reload or ldm (also -sl); the process is given by its id, by a file that holds it, or by the beginning of some ids and a *' -r -f -a "stop\t''
quit\t''
term\t''
reopen\t''
reload\t''
ldm\t''"
complete -c nats-server -s t -l check -d 'Check the configuration file and exit'
complete -c nats-server -l dry-run -d 'With --signal reload: say what it would change and which connections it would end; change nothing'
complete -c nats-server -l json -d 'With --dry-run: answer in JSON'
complete -c nats-server -s s -l syslog -d 'Send the log to this machine\'s syslog'
complete -c nats-server -s T -l logtime -d 'Begin lines with the time (default: true)'
complete -c nats-server -l logtime_utc -d 'That time in UTC'
complete -c nats-server -s D -l debug -d 'Log what helps to find errors'
complete -c nats-server -s V -l trace -d 'Log the protocol as it is spoken'
complete -c nats-server -l VV -d 'As --trace, the system account\'s too'
complete -c nats-server -l DV -d '--debug and --trace'
complete -c nats-server -l DVV -d '--debug and --VV'
complete -c nats-server -l no_advertise -d 'Don\'t tell clients of the cluster\'s other servers'
complete -c nats-server -l tls -d 'Clients\' connections are encrypted; any of the next four says so, too'
complete -c nats-server -l tlsverify -d 'Clients must show a certificate'
complete -c nats-server -l help_tls -d 'Tell more about TLS and exit'
complete -c nats-server -s h -l help -d 'Show this and exit'
complete -c nats-server -s v -l version -d 'Show the version and exit'
