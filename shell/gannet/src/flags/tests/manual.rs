//! Help, manual pages and completions: complete, and of the name that the program was called by.

use super::invocation;
use crate::flags::{Command, server};

/// The text that a line prints.
fn printed(line: &str) -> String {
    match invocation(line).map(|invocation| invocation.command) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

/// Every flag of the definition, as it is written.
fn every_flag() -> Vec<String> {
    let definition = server::definition();
    let longs = definition.get_arguments().filter_map(|arg| arg.get_long());
    longs.map(|long| format!("--{long}")).collect()
}

#[test]
fn help_names_every_flag_and_only_the_commands_of_the_name_it_was_called_by() {
    let text = |line| match invocation(line).map(|i| i.command) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    };
    let ours = text("gannet -h");
    assert_eq!(ours, text("gannet --help"));
    assert_eq!(ours, text("gannet help"));
    for flag in [
        "-a, --addr <HOST>",
        "-p, --port <PORT>",
        "-c, --config <FILE>",
        "-D, --debug",
        "-m, --http_port <PORT>",
        "--signal <SIGNAL[=PID]>",
        "--pass <PASSWORD>",
        "--DVV",
    ] {
        assert!(ours.contains(flag), "{flag} is missing in\n{ours}");
    }
    assert!(
        ours.contains("\n  dev ") && !ours.contains("[<BOOL>]"),
        "{ours}"
    );
    let theirs = text("nats-server -h");
    assert!(
        theirs.contains("Usage: nats-server [options]") && !theirs.contains("\n  dev "),
        "{theirs}"
    );
    assert!(text("gannet dev --help").contains("--clusters <M>"));
}

#[test]
fn help_manual_and_completions_know_every_flag() {
    let (help, page) = (printed("gannet --help"), printed("gannet man"));
    let page = page.replace("\\-", "-");
    let shells = ["bash", "zsh", "fish", "elvish", "powershell"];
    let scripts = shells.map(|shell| (shell, printed(&format!("gannet completions {shell}"))));
    for flag in every_flag() {
        assert!(help.contains(&flag), "--help: {flag}\n{help}");
        assert!(page.contains(&flag), "man: {flag}\n{page}");
        for (shell, script) in &scripts {
            // fish and elvish write names without dashes.
            let name = flag.trim_start_matches('-');
            assert!(script.contains(name), "{shell}: {flag}");
        }
    }
    for command in ["config", "dev", "bench", "completions", "man"] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "--help: {command}\n{help}"
        );
        assert!(
            page.contains(&format!("gannet-{command}(1)")),
            "man: {command}\n{page}"
        );
        let told =
            printed(&format!("gannet {command} --help").replace("bench --help", "man --help"));
        assert!(told.contains("Usage: gannet "), "{command}: {told}");
    }
}

#[test]
fn there_is_a_page_for_each_command() {
    let command = invocation("gannet man pages").map(|invocation| invocation.command);
    let Ok(Command::WritePages(directory, pages)) = command else {
        panic!("{command:?}")
    };
    let files: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
    assert_eq!(directory, "pages");
    assert_eq!(
        files,
        [
            "gannet.1",
            "gannet-config.1",
            "gannet-config-explain.1",
            "gannet-config-diff.1",
            "gannet-dev.1",
            "gannet-bench.1",
            "gannet-completions.1",
            "gannet-man.1"
        ]
    );
    for page in &pages {
        let text = String::from_utf8_lossy(&page.text);
        let title = page.file.trim_end_matches(".1").to_uppercase();
        assert!(text.contains(&format!(".TH {title} 1")), "{text}");
    }
}

#[test]
fn completions_of_the_link_know_no_commands() {
    let script = printed("gannet completions bash --nats-server");
    assert!(
        script.contains("_nats__server()") && !script.contains("explain"),
        "{script}"
    );
    let unknown = invocation("gannet completions tcsh").expect_err("refused");
    assert!(
        unknown.starts_with("gannet: invalid value 'tcsh' for '<SHELL>'"),
        "{unknown}"
    );
    let theirs = invocation("nats-server completions bash").expect_err("refused");
    assert_eq!(theirs, "nats-server: unrecognized command: \"completions\"");
}
