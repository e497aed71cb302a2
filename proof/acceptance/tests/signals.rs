//! `--signal`: telling a running server what to do (rows OPS-06, OPS-07). Only servers that are named are signalled:
//! others may run on this machine.

use gannet_acceptance::{Server, both};

both! {
    /// The command's words, the signals they stand for, and the server named by its process id or its file.
    #[test]
    fn commands_reach_the_server_that_is_named(kind: Kind) {
        for (command, told, ends) in [
            ("quit", &["Trapped \"interrupt\" signal", "Initiating Shutdown...", "Server Exiting.."][..], true),
            ("term", &["Trapped \"terminated\" signal", "Initiating Shutdown...", "Server Exiting.."], true),
            ("ldm", &["Trapped \"user defined signal 2\" signal", "Entering lame duck mode, stop accepting new clients", "Initiating Shutdown...", "Server Exiting.."], true),
            ("reopen", &["Trapped \"user defined signal 1\" signal", "File log re-open ignored, not a file logger"], false),
            ("reload", &["Trapped \"hangup\" signal"], false),
            ("stop", &[], true),
        ] {
            for by_file in [false, true] {
                let mut server = Server::start_with(kind, "", &["-P", "server.pid"]);
                server.await_nobody();
                let target = if by_file { server.folder().join("server.pid").display().to_string() } else { server.pid().to_string() };
                let output = kind.run(server.folder(), &["--signal", &format!("{command}={target}")]);
                assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{command}: {output:?}");
                for line in told {
                    server.expect_log(line);
                }
                if ends {
                    // Killed without a chance to say anything, or in order.
                    assert_eq!(server.wait().success(), command != "stop", "{command}");
                } else {
                    gannet_acceptance::Wire::client(&server).fence();
                }
            }
        }
    }
}
